import { awaitApis } from "../provision/await-apis";
import { awaitGrants } from "../provision/await-grants";
import { requireToken } from "../provision/require-token";
import { apiError, GoogleApiServer } from "./google-api-server";
import { run, runProcess } from "./provisioner-run";

const JOBS = "run.projects.locations.jobs.list";
const BUILDS = "cloudbuild.projects.locations.builds.list";
const BUCKETS = "storage.buckets.list";
const REPOSITORIES = "artifactregistry.projects.locations.repositories.list";
const LOGS = "logging.entries.list";
const OTHERS = [
  "compute.regions.get",
  "iam.projects.serviceAccounts.list",
  "secretmanager.projects.secrets.list",
  "serviceusage.services.get",
  "cloudresourcemanager.projects.get",
];

// Starting Node takes seconds on a busy machine.
jest.setTimeout(30_000);

let server: GoogleApiServer;
beforeEach(async () => {
  server = await GoogleApiServer.start();
  server
    .on(JOBS, () => ({ body: {} }))
    .on(BUILDS, () => ({ body: {} }))
    .on(BUCKETS, () => ({ body: {} }))
    .on(REPOSITORIES, () => ({ body: {} }))
    .on(LOGS, () => ({ body: {} }));
});
afterEach(() => server.close());

const env = {
  PROJECT_ID: "p",
  REGION: "r",
  APIS: "run.googleapis.com,cloudbuild.googleapis.com,storage.googleapis.com,artifactregistry.googleapis.com,logging.googleapis.com",
};
const off = () =>
  apiError(
    403,
    "Cloud Run Admin API has not been used in project 1 before or it is disabled.",
    "SERVICE_DISABLED",
  );

describe("await-apis", () => {
  test("ends when every API answers", async () => {
    const { output, failure } = await run(awaitApis, server, env);
    expect(failure).toBeUndefined();
    expect(output).toBe("5 APIs answer\n");
  });

  test("knows a call of every other API that the stack switches on", async () => {
    OTHERS.forEach((id) => server.on(id, () => ({ body: {} })));
    const names = OTHERS.map((id) => `${id.split(".")[0]}.googleapis.com`);
    const APIS = names.join(",");
    const { failure } = await run(awaitApis, server, { ...env, APIS });
    expect(failure).toBeUndefined();
    expect(server.calls.map(({ id }) => id).sort()).toEqual([...OTHERS].sort());
  });

  test("waits for an API that is off, and asks the others no more", async () => {
    server.on(JOBS, ({ before }) => (before < 2 ? off() : { body: {} }));
    const { output, failure } = await run(awaitApis, server, env);
    expect(failure).toBeUndefined();
    expect(output).toMatch(
      /waiting for run\.googleapis\.com to be switched on/,
    );
    expect(server.callsOf(JOBS)).toHaveLength(3);
    expect(server.callsOf(BUILDS)).toHaveLength(1);
  });

  test("takes a refusal as an answer", async () => {
    server.on(JOBS, () => apiError(403, "Permission 'run.jobs.list' denied"));
    server.on(BUILDS, () => apiError(404, "not found"));
    expect((await run(awaitApis, server, env)).failure).toBeUndefined();
  });

  test("fails when an API stays off, with the command that enables it", async () => {
    server.on(JOBS, off);
    const { failure } = await run(awaitApis, server, {
      ...env,
      LIMIT_SECONDS: "0",
    });
    expect(failure).toMatch(
      /^still off after 0 s: run\.googleapis\.com\. .*gcloud services enable run\.googleapis\.com --project p$/,
    );
  });

  test("fails when it knows no call of an API", async () => {
    const { failure } = await run(awaitApis, server, {
      ...env,
      APIS: "pubsub.googleapis.com",
    });
    expect(failure).toMatch(/pubsub\.googleapis\.com/);
  });

  test("runs as a process", async () => {
    const { output, exitCode } = await runProcess("await-apis.ts", server, env);
    expect(output).toBe("5 APIs answer\n");
    expect(exitCode).toBe(0);
  });
});

describe("await-grants", () => {
  test("waits once and says why", async () => {
    const started = Date.now();
    const { output } = await run(awaitGrants, server, {
      PROJECT_ID: "p",
      SECONDS: "1",
    });
    expect(Date.now() - started).toBeGreaterThanOrEqual(990);
    expect(output).toMatch(/^waiting 1 s, once: new grants in p .*\n$/);
  });

  test("runs as a process", async () => {
    const { exitCode } = await runProcess("await-grants.ts", server, {
      PROJECT_ID: "p",
      SECONDS: "0",
    });
    expect(exitCode).toBe(0);
  });
});

describe("require-token", () => {
  const token = { SECRET: "HF_TOKEN", VERSION: "2" };

  test("lets an apply with a token pass", async () => {
    const { output, failure } = await run(requireToken, server, {
      ...token,
      TOKEN_PRESENT: "yes",
    });
    expect(failure).toBeUndefined();
    expect(output).toMatch(/version 2 of secret HF_TOKEN is given/);
  });

  test("fails when the token is missing, with what to export", async () => {
    const { output, exitCode } = await runProcess("require-token.ts", server, {
      ...token,
      TOKEN_PRESENT: "no",
    });
    expect(exitCode).toBe(1);
    expect(output).toMatch(
      /version 2 of secret HF_TOKEN .*export HF_TOKEN=.*npm run deploy.*export TF_VAR_hf_token=.*huggingface\.co\/settings\/tokens.*token\.source/,
    );
    expect(output.trim().split("\n")).toHaveLength(1);
  });
});
