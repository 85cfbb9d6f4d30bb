import { mkdtempSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type GoogleApiError } from "../provision/google-api-error";
import { googleClient } from "../provision/google-client";
import { googleUrl, uploadUrl } from "../provision/google-endpoints";
import { apiError, GoogleApiServer } from "./google-api-server";

const JOB = { service: "run", path: "projects/p/locations/r/jobs/j" } as const;
const GET_JOB = "run.projects.locations.jobs.get";
const RUN_JOB = "run.projects.locations.jobs.run";

let server: GoogleApiServer;
beforeEach(async () => {
  server = await GoogleApiServer.start();
});
afterEach(() => server.close());

function client(env: NodeJS.ProcessEnv = {}) {
  return googleClient(
    { ...server.env, ...env },
    { firstDelaySeconds: 0.01, fetchImplementation: fetch },
  );
}

describe("endpoints", () => {
  test("are Google's own unless set", () => {
    expect(googleUrl({}, "run", "projects/p").href).toBe(
      "https://run.googleapis.com/v2/projects/p",
    );
    expect(uploadUrl({}, "b/x/o").href).toBe(
      "https://storage.googleapis.com/upload/storage/v1/b/x/o",
    );
  });

  test("keep the path and version of the provider's variable", () => {
    const env = {
      GOOGLE_CLOUD_RUN_V2_CUSTOM_ENDPOINT: "http://localhost:1/run/v2/",
      GOOGLE_STORAGE_CUSTOM_ENDPOINT: "http://localhost:1/storage/v1/",
    };
    expect(
      googleUrl(env, "run", "projects/p/locations/r/jobs/j:run").href,
    ).toBe("http://localhost:1/run/v2/projects/p/locations/r/jobs/j:run");
    expect(uploadUrl(env, "b/x/o").href).toBe(
      "http://localhost:1/upload/storage/v1/b/x/o",
    );
  });

  test("fails when the custom endpoint lacks the slash the provider wants", () => {
    const env = { GOOGLE_LOGGING_CUSTOM_ENDPOINT: "http://localhost:1/v2" };
    expect(() => googleUrl(env, "logging", "entries:list")).toThrow(
      /GOOGLE_LOGGING_CUSTOM_ENDPOINT is 'http:\/\/localhost:1\/v2'.*slash/,
    );
  });
});

describe("authentication", () => {
  test("sends the provider's access token", async () => {
    server.on(GET_JOB, () => ({ body: { name: "j" } }));
    await client().request(JOB);
    expect(server.calls[0]?.headers["authorization"]).toBe("Bearer test-token");
    expect(server.calls[0]?.headers["x-goog-user-project"]).toBeUndefined();
  });

  test("sends the billing project only with USER_PROJECT_OVERRIDE", async () => {
    server.on(GET_JOB, () => ({ body: {} }));
    await client({ GOOGLE_BILLING_PROJECT: "b" }).request(JOB);
    await client({
      GOOGLE_BILLING_PROJECT: "b",
      USER_PROJECT_OVERRIDE: "true",
    }).request(JOB);
    expect(
      server.calls.map(({ headers }) => headers["x-goog-user-project"]),
    ).toEqual([undefined, "b"]);
  });

  test("asks once for a new token when a login's token is refused", async () => {
    const tokens = ["old", "new"];
    server.on(GET_JOB, ({ headers }) =>
      headers["authorization"] === "Bearer new"
        ? { body: { name: "j" } }
        : apiError(401, "Request had invalid authentication credentials."),
    );
    const answer = await googleClient(
      { ...server.env, ...login(), GOOGLE_OAUTH_ACCESS_TOKEN: "" },
      {
        fetchImplementation: (input, init) =>
          String(input).startsWith("https://oauth2.googleapis.com/")
            ? Promise.resolve(
                Response.json({
                  access_token: tokens.shift(),
                  expires_in: 3600,
                }),
              )
            : fetch(input, init),
      },
    ).request(JOB);
    expect(answer).toEqual({ name: "j" });
    expect(server.calls).toHaveLength(2);
    // Like the provider, it does not send the login's own quota project.
    expect(server.calls[1]?.headers["x-goog-user-project"]).toBeUndefined();
  });

  test("fails when a fixed access token is refused, with what to export", async () => {
    server.on(GET_JOB, () => apiError(401, "invalid"));
    await expect(client().request(JOB)).rejects.toThrow(
      /GOOGLE_OAUTH_ACCESS_TOKEN.*gcloud auth print-access-token/,
    );
  });

  test("fails when a login has been revoked, with how to log in", async () => {
    const revoked = googleClient(
      { ...server.env, ...login(), GOOGLE_OAUTH_ACCESS_TOKEN: "" },
      {
        fetchImplementation: () =>
          Promise.resolve(
            Response.json({ error: "invalid_grant" }, { status: 400 }),
          ),
      },
    );
    await expect(revoked.request(JOB)).rejects.toThrow(
      /invalid_grant.*gcloud auth application-default login/,
    );
  });

  test("fails when GOOGLE_CREDENTIALS is no key, without quoting it", async () => {
    const broken = client({
      GOOGLE_OAUTH_ACCESS_TOKEN: "",
      GOOGLE_CREDENTIALS: "{secret",
    });
    await expect(broken.request(JOB)).rejects.toThrow(
      /^(?!.*secret).*GOOGLE_CREDENTIALS.*gcloud auth/,
    );
  });
});

describe("retries", () => {
  test("repeat a read after 503, a lost connection and 429, in that order", async () => {
    server.on(
      GET_JOB,
      ({ before }) =>
        [
          apiError(503, "unavailable"),
          { lost: true },
          { ...apiError(429, "slow down"), headers: { "retry-after": "0" } },
        ][before] ?? { body: { name: "j" } },
    );
    await expect(client().request(JOB)).resolves.toEqual({ name: "j" });
  });

  test("wait as long as Retry-After asks", async () => {
    server.on(GET_JOB, ({ before }) =>
      before === 0
        ? { ...apiError(429, "slow down"), headers: { "retry-after": "1" } }
        : { body: {} },
    );
    const started = Date.now();
    await client().request(JOB);
    expect(Date.now() - started).toBeGreaterThanOrEqual(990);
  });

  test("never repeat a POST whose answer was lost", async () => {
    server.on(RUN_JOB, () => ({ lost: true }));
    const run = { ...JOB, path: `${JOB.path}:run`, method: "POST" } as const;
    await expect(client().request(run)).rejects.toThrow(
      /^POST run projects\/p\/locations\/r\/jobs\/j:run: no answer/,
    );
    expect(server.calls).toHaveLength(1);
  });

  test("wait for a new grant only where the caller says so", async () => {
    server.on(GET_JOB, ({ before }) =>
      before === 1 ? { body: {} } : apiError(403, "Permission denied"),
    );
    await expect(client().request(JOB)).rejects.toMatchObject({ status: 403 });
    await client().request({
      ...JOB,
      retry: { also: (error) => error.maybeTooEarly },
    });
    expect(server.calls).toHaveLength(2);
  });

  test("fails when the deadline passes, with the last answer", async () => {
    server.on(GET_JOB, () => apiError(503, "still unavailable"));
    const request = { ...JOB, retry: { deadlineSeconds: 0.1 } };
    await expect(client().request(request)).rejects.toThrow(
      /503 still unavailable/,
    );
  });

  test("fails when no answer comes within the time limit", async () => {
    server.on(GET_JOB, () => ({ body: {} }));
    const never = googleClient(server.env, {
      fetchImplementation: (_input, init) =>
        new Promise((_resolve, reject) => {
          init?.signal?.addEventListener("abort", () =>
            reject(init.signal?.reason),
          );
        }),
    });
    const request = {
      ...JOB,
      timeoutSeconds: 0.05,
      retry: { deadlineSeconds: 0 },
    };
    await expect(never.request(request)).rejects.toThrow(/no answer/);
  });
});

test("tells a disabled API from a missing permission", async () => {
  server.on(GET_JOB, ({ before }) =>
    before === 0
      ? apiError(403, "Cloud Run Admin API ...", "SERVICE_DISABLED")
      : apiError(403, "Permission 'run.jobs.get' denied"),
  );
  const errors: GoogleApiError[] = [];
  for (let index = 0; index < 2; index++) {
    errors.push(
      await client()
        .request<never>(JOB)
        .catch((error) => error),
    );
  }
  expect(errors.map(({ serviceDisabled }) => serviceDisabled)).toEqual([
    true,
    false,
  ]);
});

/** A user's Application Default Credentials. */
function login(): NodeJS.ProcessEnv {
  const file = join(mkdtempSync(join(tmpdir(), "tuneserve-")), "adc.json");
  writeFileSync(
    file,
    JSON.stringify({
      type: "authorized_user",
      client_id: "id",
      client_secret: "secret",
      refresh_token: "refresh",
      quota_project_id: "of-the-login",
    }),
  );
  return { GOOGLE_APPLICATION_CREDENTIALS: file };
}
