import { DEFAULTS } from "../rehearsal/cloud/cloud-settings";
import { LocalCloud } from "./local-cloud";

const PROJECT = `projects/${DEFAULTS.project}`;

describe("a request that a local cloud holds against Google's discovery documents", () => {
  let cloud: LocalCloud;
  beforeAll(async () => {
    cloud = await LocalCloud.start({ containers: "stub" });
    await cloud.account("run-sa");
    cloud.image("us-central1-docker.pkg.dev/p/r/i");
  });
  afterAll(() => cloud.close());

  const job = (inner: object, outer: object = {}, more: object = {}) => ({
    template: {
      template: {
        serviceAccount: cloud.email("run-sa"),
        containers: [{ image: "us-central1-docker.pkg.dev/p/r/i:1" }],
        ...inner,
      },
      ...outer,
    },
    ...more,
  });
  const create = (body: object, query = {}) =>
    cloud.post("run", `${cloud.parent}/jobs`, body, {
      jobId: "strict",
      validateOnly: "true",
      ...query,
    });

  test.each<[string, object, string]>([
    [
      "an enum's unknown value",
      { executionEnvironment: "GEN3" },
      `Invalid value at 'template.template.executionEnvironment' (TYPE_ENUM), "GEN3"`,
    ],
    [
      "a whole number beyond 32 bits",
      { maxRetries: 2 ** 31 },
      "Invalid value at 'template.template.maxRetries' (TYPE_INT32), 2147483648",
    ],
    [
      "a fraction for a whole number",
      { maxRetries: 1.5 },
      "Invalid value at 'template.template.maxRetries' (TYPE_INT32), 1.5",
    ],
    [
      "a duration without its unit",
      { timeout: "600" },
      `Invalid value at 'template.template.timeout' (type.googleapis.com/google.protobuf.Duration), "600"`,
    ],
    [
      "a text for a boolean",
      { gpuZonalRedundancyDisabled: "true" },
      `Invalid value at 'template.template.gpuZonalRedundancyDisabled' (TYPE_BOOL), "true"`,
    ],
    [
      "a message for a list",
      { containers: {} },
      "Invalid value at 'template.template.containers' (list), {}",
    ],
    [
      "an unknown field inside a list",
      { containers: [{ image: "i", colour: "red" }] },
      `Unknown name "colour" at 'template.template.containers[0]': Cannot find field.`,
    ],
  ])("fails for %s", async (_what, inner, message) => {
    expect(await cloud.refusal(create(job(inner)))).toContain(message);
  });

  test("fails with all that is wrong at once", async () => {
    const said = await cloud.refusal(
      create(job({ timeout: "600", maxRetries: 1.5 })),
    );

    expect(said.split("\n")).toHaveLength(2);
  });

  test("takes whole numbers as texts, and fields by the names of protocol buffers", async () => {
    const { response } = await create(
      job({ max_retries: "2", maxRetries: undefined }, { task_count: 1 }),
    );

    expect(response.template.template.maxRetries).toBe(2);
  });

  test("ignores what is output only", async () => {
    const { response } = await create(
      job({}, {}, { uid: "mine", generation: "7" }),
    );

    expect(response.uid).not.toBe("mine");
    expect(response.generation).toBe("1");
  });

  test("gives 64 bits back as texts", async () => {
    const { response } = await create(job({}));

    expect(response.generation).toBe("1");
    await cloud.bucket("numbers", {
      softDeletePolicy: { retentionDurationSeconds: 700_000 },
    });
    expect(
      (await cloud.get("storage", "b/numbers")).softDeletePolicy,
    ).toMatchObject({ retentionDurationSeconds: "700000" });
  });

  test.each<[string, object, string]>([
    [
      "a page size that is no number",
      { pageSize: "many" },
      `Invalid value at 'pageSize' (TYPE_INT32), "many"`,
    ],
    [
      "a page token that was made up",
      { pageToken: "made-up" },
      "The page token is invalid.",
    ],
    [
      "a negative page size",
      { pageSize: "-1" },
      "page_size must not be negative.",
    ],
  ])("fails for %s", async (_what, query, message) => {
    const list = cloud.get("run", `${cloud.parent}/jobs`, query);

    expect(await cloud.refusal(list)).toBe(`400 ${message}`);
  });

  test("fails for a secret's payload that is not in base64", async () => {
    await cloud.post(
      "secretmanager",
      `${PROJECT}/secrets`,
      { replication: { automatic: {} } },
      { secretId: "encoded" },
    );

    expect(
      await cloud.refusal(
        cloud.post("secretmanager", `${PROJECT}/secrets/encoded:addVersion`, {
          payload: { data: "not base64!" },
        }),
      ),
    ).toContain("Invalid value at 'payload.data' (TYPE_BYTES)");
  });

  test("fails for a method that there is not, and for a body that is no JSON", async () => {
    expect(
      await cloud.refusal(cloud.get("run", `${cloud.parent}/pods`)),
    ).toMatch(/^404 Method not found: GET/);
    const answer = await fetch(
      `${cloud.env["GOOGLE_CLOUD_RUN_V2_CUSTOM_ENDPOINT"]}${cloud.parent}/jobs?jobId=x`,
      {
        method: "POST",
        headers: {
          authorization: `Bearer ${cloud.env["GOOGLE_OAUTH_ACCESS_TOKEN"]}`,
        },
        body: "{",
      },
    );
    expect(answer.status).toBe(400);
    expect(await answer.text()).toContain("Invalid JSON payload received.");
  });
});

describe("a change of a resource of a local cloud", () => {
  let cloud: LocalCloud;
  beforeAll(async () => {
    cloud = await LocalCloud.start({ containers: "stub" });
    await cloud.account("run-sa");
    cloud.image("us-central1-docker.pkg.dev/p/r/i");
    const template = {
      serviceAccount: cloud.email("run-sa"),
      timeout: "900s",
      containers: [{ image: "us-central1-docker.pkg.dev/p/r/i:1" }],
    };
    const service = await cloud.post(
      "run",
      `${cloud.parent}/services`,
      { labels: { env: "dev" }, template },
      { serviceId: "changed" },
    );
    await cloud.done("run", service);
    const made = await cloud.post(
      "run",
      `${cloud.parent}/jobs`,
      { template: { template } },
      { jobId: "started" },
    );
    await cloud.done("run", made);
  });
  afterAll(() => cloud.close());

  const change = (method: "PATCH" | "DELETE", body: object, query = {}) =>
    cloud.client.request<any>({
      service: "run",
      path: `${cloud.parent}/services/changed`,
      method,
      query,
      retry: { deadlineSeconds: 0 },
      ...(method === "PATCH" ? { body } : {}),
    });

  test("touches only what its mask names, as deep as it names it", async () => {
    const operation = await change(
      "PATCH",
      {
        template: { maxInstanceRequestConcurrency: 5, timeout: "1s" },
        labels: { env: "lost" },
      },
      { updateMask: "template.max_instance_request_concurrency" },
    );
    const { response } = await cloud.done("run", operation);

    expect(response.labels).toEqual({ env: "dev" });
    expect(response.template).toMatchObject({
      maxInstanceRequestConcurrency: 5,
      timeout: "900s",
    });
  });

  test("fails when the mask names a field that there is not", async () => {
    expect(
      await cloud.refusal(
        change("PATCH", {}, { updateMask: "template.colour" }),
      ),
    ).toContain("400 Invalid value at 'update_mask'");
  });

  test("fails when the etag is of an earlier version", async () => {
    const { etag } = await cloud.get("run", `${cloud.parent}/services/changed`);
    const update = () =>
      change(
        "PATCH",
        { etag, labels: { env: "prod" } },
        { updateMask: "labels" },
      );
    await cloud.done("run", await update());

    expect(await cloud.refusal(update())).toMatch(/^409 .*etag/);
    expect(await cloud.refusal(change("DELETE", {}, { etag }))).toMatch(
      /^409 .*etag/,
    );
  });

  test("lists what there is in pages whose tokens are good for that list alone", async () => {
    for (const id of ["a-sa-1", "a-sa-2"]) await cloud.account(id);
    const list = (query: object) =>
      cloud.get("iam", `${PROJECT}/serviceAccounts`, query);
    const first = await list({ pageSize: "2" });
    const second = await list({
      pageSize: "2",
      pageToken: first.nextPageToken,
    });

    expect(first.accounts).toHaveLength(2);
    expect(second.accounts).toHaveLength(1);
    expect(second).not.toHaveProperty("nextPageToken");
    expect(
      await cloud.refusal(
        cloud.get("secretmanager", `${PROJECT}/secrets`, {
          pageToken: first.nextPageToken,
          filter: "name:x",
        }),
      ),
    ).toBe("400 The page token is invalid.");
  });

  test("fails when a job is started with overrides by one who may only start it", async () => {
    await cloud.account("starter-sa");
    await cloud.post("run", `${cloud.parent}/jobs/started:setIamPolicy`, {
      policy: {
        bindings: [
          {
            role: "roles/run.invoker",
            members: [`serviceAccount:${cloud.email("starter-sa")}`],
          },
        ],
      },
    });
    const run = (body: object) =>
      cloud.as("starter-sa").request({
        service: "run",
        path: `${cloud.parent}/jobs/started:run`,
        method: "POST",
        body,
      });

    expect(await cloud.refusal(run({}))).toBe("(not refused)");
    expect(await cloud.refusal(run({ overrides: { taskCount: 1 } }))).toContain(
      "403 Permission 'run.jobs.runWithOverrides' denied",
    );
  });
});
