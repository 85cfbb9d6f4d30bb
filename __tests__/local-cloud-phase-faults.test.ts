import { resolve } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { imageTag } from "../constructs/image-tag";
import { sourceHash } from "../constructs/source-hash";
import { buildImage } from "../provision/build-image";
import { runTraining } from "../provision/run-training";
import { DEFAULTS } from "../rehearsal/cloud/cloud-settings";
import { parseFault } from "../rehearsal/cloud/faults";
import { parsePhaseFault } from "../rehearsal/cloud/phase-faults";
import type { GoogleApiServer } from "./google-api-server";
import { LocalCloud } from "./local-cloud";
import { run, type Run } from "./provisioner-run";

const RUN_ID = "0123456789ab";
const REPOSITORY = `${DEFAULTS.region}-docker.pkg.dev/${DEFAULTS.project}/images`;

let cloud: LocalCloud;
beforeEach(async () => {
  cloud = await LocalCloud.start({ containers: "stub" });
});
afterEach(() => cloud.close());

const faulty = (...faults: string[]) => {
  for (const text of faults) {
    cloud.server.cloud.faults.add(parsePhaseFault(text) ?? parseFault(text)!);
  }
};
const provision = (
  script: Parameters<typeof run>[0],
  env: NodeJS.ProcessEnv,
  timeoutSeconds?: number,
): Promise<Run> =>
  run(
    script,
    { env: cloud.env } as unknown as GoogleApiServer,
    env,
    timeoutSeconds,
  );

/** Names of all objects that end so. */
const objects = (end: string) =>
  Object.values(cloud.server.cloud.state.objects)
    .flat()
    .filter(({ name, timeDeleted }) => name.endsWith(end) && !timeDeleted)
    .map(({ name }) => name);

test("phases and how they go wrong are read from the command line", () => {
  expect(parsePhaseFault("training=exit-75*2")).toEqual({
    phase: "training",
    kind: "exit-75",
    times: 2,
  });
  expect(parsePhaseFault("training=exit-256")).toBeUndefined();
  expect(parsePhaseFault("lunch=memory")).toBeUndefined();
});

describe("a training that meets", () => {
  const train = (timeoutSeconds?: number) =>
    provision(
      runTraining,
      {
        PROJECT_ID: DEFAULTS.project,
        REGION: DEFAULTS.region,
        JOB_NAME: "job",
        RUN_ID,
        MODEL: "gemma",
        BUCKET_NAME: "models",
        TRAINER: "feed0123feed0123",
        PROMOTION_METRIC: "execution_match",
        PROMOTION_MINIMUM: "",
        ACCELERATOR: "nvidia-l4",
        TASK_TIMEOUT_SECONDS: "3600",
        MAX_RETRIES: "0",
        PINNED: "no",
      },
      timeoutSeconds,
    );
  const executions = () => Object.values(cloud.server.cloud.state.executions);

  /** Nothing runs any more, and there is the one version, which is there a moment before its execution ends. */
  const expectOneVersion = async () => {
    const running = () =>
      executions().some(({ completionTime }) => !completionTime);
    for (let looks = 0; running() && looks < 100; looks++) await sleep(20);
    expect(objects("/_SUCCESS")).toEqual([`gemma/${RUN_ID}/_SUCCESS`]);
    expect(objects("/manifest.json")).toHaveLength(1);
    expect(
      executions().filter(({ completionTime }) => !completionTime),
    ).toEqual([]);
    expect(cloud.server.cloud.containers.active).toEqual([]);
  };

  beforeEach(async () => {
    const email = await cloud.account("job-sa");
    await cloud.bucket("models");
    await cloud.grant(
      "models",
      "roles/storage.objectUser",
      `serviceAccount:${email}`,
    );
    cloud.image(`${REPOSITORY}/trainer`);
    const operation = await cloud.post(
      "run",
      `${cloud.parent}/jobs`,
      {
        template: {
          labels: { "run-id": RUN_ID },
          template: {
            serviceAccount: email,
            maxRetries: 0,
            containers: [
              {
                image: `${REPOSITORY}/trainer:1`,
                env: [
                  { name: "RUN_ID", value: RUN_ID },
                  { name: "OUTPUT_URI", value: `gs://models/gemma/${RUN_ID}` },
                ],
              },
            ],
          },
        },
      },
      { jobId: "job" },
    );
    await cloud.done("run", operation);
  });

  test.each<[string]>([
    ["run.*.jobs.run=429*2"],
    ["run.*.jobs.run=503"],
    ["run.*.jobs.run=reset"],
    ["run.*.jobs.run=lost"],
    ["run.*.jobs.run=endless"],
    ["run.*.executions.get=503"],
    ["run.*.executions.list=reset*2"],
    ["storage.objects.get=lost*2"],
  ])(
    "%s ends by itself with one version of one execution",
    async (fault) => {
      faulty(fault);

      const { failure, output } = await train();

      expect(failure).toBeUndefined();
      expect(output).toContain(`gs://models/gemma/${RUN_ID} is published`);
      expect(executions()).toHaveLength(1);
      await expectOneVersion();
    },
    10_000,
  );

  test.each<[string, string | RegExp]>([
    [
      "run.*.executions.get=expired",
      /GOOGLE_OAUTH_ACCESS_TOKEN=\$\(gcloud auth print-access-token\).*what already runs in the cloud goes on, and the next deploy attaches to it/,
    ],
    [
      "training=memory",
      /out of memory.*What to do: raise training\.memory .*Log: https:/,
    ],
    [
      "training=timeout",
      /came no further than the one before\. What to do: .*training\.timeoutSeconds/,
    ],
    [
      "training=exit-1",
      "the trainer ended with exit code 1. What to do: the lines above say why",
    ],
    [
      "training=exit-2",
      "the trainer refused its settings (exit code 2). What to do: change what the lines above name in cdktf.json",
    ],
    [
      "training=exit-3",
      "the model is below the bar (exit code 3). What to do: lower promotion.minimum",
    ],
    ["training=exit-75", /was interrupted .* came no further/],
    [
      "training=quota",
      "no quota: NvidiaL4GpuAllocNoZonalRedundancyPerProjectRegion in us-central1. What to do: ask for it at https://g.co/cloudrun/gpu-quota, or take another region",
    ],
    [
      "training=capacity",
      "us-central1 has no free nvidia-l4 at the moment. What to do: deploy again later, or take another region",
    ],
    [
      "storage.objects.insert=full",
      "the models' bucket takes no more (exit code 1). What to do: delete what nobody needs from it",
    ],
  ])(
    "%s says what to do, and the next run ends with one version",
    async (fault, message) => {
      faulty(fault);

      const first = await train();
      const second = await train();

      expect(first.failure).toMatch(message);
      expect(second.failure).toBeUndefined();
      await expectOneVersion();
    },
    10_000,
  );

  test("a full bucket shows what Cloud Storage said", async () => {
    faulty("storage.objects.insert=full");

    expect((await train()).output).toContain(
      "The storage quota has been exceeded",
    );
  }, 10_000);

  test.each(["jobs.run", "executions.get", "executions.list"])(
    "an answer of %s that takes longer than anybody waits ends with one version",
    async (call) => {
      faulty(`run.*.${call}=stall-1`);

      expect((await train(0.3)).failure).toBeUndefined();
      await sleep(1000);
      expect(executions()).toHaveLength(1);
      await expectOneVersion();
    },
    20_000,
  );

  test("a token that expires meanwhile is told, and the next run attaches to the execution", async () => {
    faulty("training=endless");
    const { state, containers } = cloud.server.cloud;
    const token = cloud.env["GOOGLE_OAUTH_ACCESS_TOKEN"]!;
    const first = train();
    while (executions().length === 0) await sleep(10);
    delete state.tokens[token];

    expect((await first).failure).toMatch(
      /export GOOGLE_OAUTH_ACCESS_TOKEN=.*the next deploy attaches to it/,
    );
    state.tokens[token] = {
      principal: `user:${DEFAULTS.user}`,
      expires: Infinity,
    };
    const { requests } = cloud.server;
    const looks = () =>
      requests.filter(({ path }) => path.endsWith("/executions")).length;
    const before = looks();
    const second = train();
    while (looks() === before) await sleep(10);
    await containers.close();
    expect((await second).output).toContain("attaching to execution");
    expect((await train()).failure).toBeUndefined();
    await expectOneVersion();
  }, 20_000);

  test("an execution that never ends is attached to, given up on, and trained again once it is cancelled", async () => {
    faulty("training=endless");
    const operation = await cloud.post("run", `${cloud.parent}/jobs/job:run`);
    const [execution] = executions();
    execution!["createTime"] = new Date(
      Date.now() - 8 * 3600_000,
    ).toISOString();

    const first = await train();
    expect(first.output).toContain("attaching to execution");
    expect(first.failure).toMatch(
      /has not ended after .*What to do: deploy again to go on waiting, or cancel it/,
    );

    await cloud.post("run", `${execution!["name"]}:cancel`);
    await cloud.done("run", operation);
    expect((await train()).failure).toBeUndefined();
    expect(executions()).toHaveLength(2);
    await expectOneVersion();
  }, 10_000);
});

describe("a build that meets", () => {
  const context = resolve(__dirname, "fixtures/faulty-image");
  const tag = imageTag(sourceHash(context), {});
  const build = () =>
    provision(buildImage, {
      PROJECT_ID: DEFAULTS.project,
      CONTEXT: context,
      IMAGE: `${REPOSITORY}/trainer`,
      TAG: tag,
      BUILD_ARGUMENTS: "{}",
      SERVICE_ACCOUNT: cloud.email("build-sa"),
      SOURCE_BUCKET: "source",
      LOCATION: DEFAULTS.region,
      MACHINE_TYPE: "E2_HIGHCPU_8",
      DISK_SIZE_GB: "100",
      TIMEOUT_SECONDS: "3600",
    });
  const expectOneImage = () => {
    const { images, builds } = cloud.server.cloud.state;
    expect(
      images.filter(({ name }) => name === `${REPOSITORY}/trainer`),
    ).toHaveLength(1);
    expect(
      Object.values(builds).filter(({ finishTime }) => !finishTime),
    ).toEqual([]);
  };

  beforeEach(async () => {
    const email = await cloud.account("build-sa");
    const member = `serviceAccount:${email}`;
    await cloud.bucket("source");
    await cloud.grant("source", "roles/storage.objectViewer", member);
    const { access, project } = cloud.server.cloud;
    access.setPolicy(project, {
      bindings: [
        ...access.policy(project).bindings,
        { role: "roles/logging.logWriter", members: [member] },
      ],
    });
    await cloud.post(
      "artifactregistry",
      `${cloud.parent}/repositories`,
      { format: "DOCKER", dockerConfig: { immutableTags: true } },
      { repositoryId: "images" },
    );
    await cloud.post(
      "artifactregistry",
      `${cloud.parent}/repositories/images:setIamPolicy`,
      {
        policy: {
          bindings: [
            { role: "roles/artifactregistry.writer", members: [member] },
          ],
        },
      },
    );
  });

  test.each<[string]>([
    ["cloudbuild.*.builds.create=lost"],
    ["storage.objects.insert=503"],
    // The region refuses, and `global` does not.
    ["build=quota"],
  ])(
    "%s ends by itself with one image",
    async (fault) => {
      faulty(fault);

      expect((await build()).failure).toBeUndefined();
      expectOneImage();
    },
    20_000,
  );

  test.each<[string, string | RegExp]>([
    ["build=quota*2", /due to quota restrictions.*build\.machineType/],
    ["build=capacity*2", /due to quota restrictions.*build\.machineType/],
    ["build=memory", /most likely for its memory .*build\.machineType/],
    ["build=timeout", /was not built: .*What to do: /],
    ["build=exit-1", /was not built: .*What to do: .*Log: https:/],
    [
      "storage.objects.insert=full",
      /gs:\/\/source takes no more .*The storage quota has been exceeded.*What to do: delete/,
    ],
  ])(
    "%s says what to do, and the next run ends with one image",
    async (fault, message) => {
      faulty(fault);

      const first = await build();
      const second = await build();

      expect(first.failure).toMatch(message);
      expect(second.failure).toBeUndefined();
      expectOneImage();
    },
    20_000,
  );

  test("a build that never ends is built again once it is cancelled", async () => {
    faulty("build=endless");
    const { state } = cloud.server.cloud;
    const first = build();
    while (Object.keys(state.builds).length === 0) await sleep(10);
    const [id] = Object.keys(state.builds);
    await cloud.post("cloudbuild", `${cloud.parent}/builds/${id}:cancel`, {
      id,
      projectId: DEFAULTS.project,
    });

    expect((await first).failure).toMatch(/was not built: .*cancelled/);
    expect((await build()).failure).toBeUndefined();
    expectOneImage();
  }, 20_000);
});

describe("a service that meets", () => {
  test.each<[string, string]>([
    ["serving=quota", "Quota violated: NvidiaL4GpuAlloc"],
    ["serving=capacity", "Insufficient capacity for no GPU in us-central1"],
    ["serving=exit-1", "exited with code 1 before it listened on the port"],
    ["serving=memory", "exited with code 137 before it listened on the port"],
    ["serving=timeout", "exited with code 143 before it listened on the port"],
    ["serving=endless", "failed the configured startup probe checks"],
  ])(
    "%s is told so by its operation, and is ready at the next try",
    async (fault, message) => {
      const email = await cloud.account("serve-sa");
      cloud.image(`${REPOSITORY}/server`);
      const service = (colour: string) => ({
        template: {
          serviceAccount: email,
          containers: [
            {
              image: `${REPOSITORY}/server:1`,
              ports: [{ containerPort: 8000 }],
              startupProbe: {
                periodSeconds: 1,
                failureThreshold: 2,
                tcpSocket: { port: 8000 },
              },
              env: [{ name: "COLOUR", value: colour }],
            },
          ],
        },
      });
      faulty(fault);

      const first = await cloud.post(
        "run",
        `${cloud.parent}/services`,
        service("red"),
        { serviceId: "s" },
      );
      expect((await cloud.done("run", first)).error.message).toContain(message);

      const second = await cloud.client.request({
        service: "run",
        path: `${cloud.parent}/services/s`,
        method: "PATCH",
        body: service("blue"),
      });
      expect((await cloud.done("run", second)).error).toBeUndefined();
      expect(cloud.server.cloud.containers.active).toHaveLength(1);
    },
    10_000,
  );
});
