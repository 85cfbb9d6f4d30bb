import { createHash } from "node:crypto";
import { sourceArchive } from "../provision/source-archive";
import { DEFAULTS } from "../rehearsal/cloud/cloud-settings";
import { templateProblems } from "../rehearsal/cloud/run/template-rules";
import { LocalCloud } from "./local-cloud";

const PROJECT = `projects/${DEFAULTS.project}`;
const REPOSITORY = `${DEFAULTS.region}-docker.pkg.dev/${DEFAULTS.project}/images`;

describe("Cloud Run's rules for templates", () => {
  const gpu = (limits: object = {}) => ({
    image: "i",
    resources: {
      limits: { cpu: "8", memory: "32Gi", "nvidia.com/gpu": "1", ...limits },
    },
  });
  const l4 = {
    nodeSelector: { accelerator: "nvidia-l4" },
    gpuZonalRedundancyDisabled: true,
    timeout: "3600s",
  };

  test("take the stack's own job", () => {
    expect(templateProblems("job", { containers: [gpu()], ...l4 })).toEqual([]);
  });

  test.each<[string, "job" | "service", object, string]>([
    [
      "a GPU job with too little memory",
      "job",
      { containers: [gpu({ memory: "8Gi" })], ...l4 },
      "memory must be at least 16Gi",
    ],
    [
      "two GPUs",
      "job",
      { containers: [gpu({ "nvidia.com/gpu": "2" })], ...l4 },
      "GPU can only be set to 1",
    ],
    [
      "a GPU job with zonal redundancy",
      "job",
      { containers: [gpu()], ...l4, gpuZonalRedundancyDisabled: false },
      "unable to offer GPU enabled instances with zonal redundancy",
    ],
    [
      "a GPU job of two hours",
      "job",
      { containers: [gpu()], ...l4, timeout: "7200s" },
      "when using GPU",
    ],
    [
      "GPU redundancy without a GPU",
      "job",
      { containers: [{ image: "i" }], gpuZonalRedundancyDisabled: true },
      "must be set when GPU redundancy is set",
    ],
    [
      "three CPUs",
      "service",
      { containers: [{ image: "i", resources: { limits: { cpu: "3" } } }] },
      "Must be equal to one of [.08-1]",
    ],
    [
      "too much memory for its CPUs",
      "service",
      {
        containers: [
          { image: "i", resources: { limits: { cpu: "1", memory: "16Gi" } } },
        ],
      },
      "Invalid value specified for container memory",
    ],
    [
      "throttled CPUs with a GPU",
      "service",
      {
        containers: [
          { ...gpu(), resources: { ...gpu().resources, cpuIdle: true } },
        ],
        ...l4,
      },
      "CPU throttling must be disabled",
    ],
    [
      "a reserved name",
      "service",
      { containers: [{ image: "i", env: [{ name: "PORT", value: "1" }] }] },
      "reserved env names were provided: PORT",
    ],
    [
      "a probe that takes too long",
      "service",
      {
        containers: [
          {
            image: "i",
            startupProbe: { periodSeconds: 10, failureThreshold: 120 },
          },
        ],
      },
      "must not exceed 600 seconds",
    ],
    [
      "a mount without its volume",
      "job",
      {
        containers: [
          { image: "i", volumeMounts: [{ name: "v", mountPath: "/m" }] },
        ],
      },
      "Volume 'v' is not defined",
    ],
    [
      "a mount into /proc",
      "job",
      {
        volumes: [{ name: "v" }],
        containers: [
          { image: "i", volumeMounts: [{ name: "v", mountPath: "/proc/x" }] },
        ],
      },
      "must be an absolute path",
    ],
    [
      "eleven retries",
      "job",
      { containers: [{ image: "i" }], maxRetries: 11 },
      "max_retries: Must be a number between 0 and 10",
    ],
    [
      "a request of two hours",
      "service",
      { containers: [{ image: "i" }], timeout: "7200s" },
      "maximum allowed time is one hour",
    ],
    [
      "a system label",
      "service",
      { containers: [{ image: "i" }], labels: { "run.googleapis.com/x": "y" } },
      "system annotations are not supported",
    ],
    [
      "more than 1000 arguments",
      "job",
      { containers: [{ image: "i", args: Array(1001).fill("a") }] },
      "args: At most 1000",
    ],
    [
      "an account that is neither an email nor an id",
      "job",
      { containers: [{ image: "i" }], serviceAccount: "projects/p/x" },
      "Unsupported service account: 'projects/p/x'",
    ],
    [
      "a secret with its version in its name",
      "service",
      {
        containers: [
          {
            image: "i",
            env: [
              {
                name: "A",
                valueSource: {
                  secretKeyRef: { secret: "projects/p/secrets/s/versions/1" },
                },
              },
            ],
          },
        ],
      },
      "must be a secret's id, or projects/PROJECT/secrets/ID",
    ],
    [
      "a version that is no alias",
      "job",
      {
        volumes: [
          {
            name: "v",
            secret: { secret: "s", items: [{ path: "a", version: "1.0" }] },
          },
        ],
        containers: [{ image: "i" }],
      },
      "'1.0' must be a number or an alias",
    ],
  ])("fails when there is %s", (_what, kind, template, message) => {
    expect(templateProblems(kind, template).join("\n")).toContain(message);
  });
});

describe("jobs, builds and services of a local cloud", () => {
  let cloud: LocalCloud;
  let count = 0;

  beforeAll(async () => {
    cloud = await LocalCloud.start({ idle: 1 });
    await cloud.account("build-sa");
    await cloud.account("job-sa");
    await cloud.bucket("source");
    await cloud.bucket("models");
    await cloud.upload("models", "greeting", "hello");
    await cloud.grant(
      "source",
      "roles/storage.objectViewer",
      `serviceAccount:${cloud.email("build-sa")}`,
    );
    await cloud.grant(
      "models",
      "roles/storage.objectUser",
      `serviceAccount:${cloud.email("job-sa")}`,
    );
    const { access, project } = cloud.server.cloud;
    access.setPolicy(project, {
      bindings: [
        ...access.policy(project).bindings,
        {
          role: "roles/logging.logWriter",
          members: [`serviceAccount:${cloud.email("build-sa")}`],
        },
      ],
    });
    await cloud.post(
      "artifactregistry",
      `${cloud.parent}/repositories`,
      { format: "DOCKER", dockerConfig: { immutableTags: true } },
      { repositoryId: "images" },
    );
  }, 30_000);
  afterAll(() => cloud.close());

  const letPush = () =>
    cloud.post(
      "artifactregistry",
      `${cloud.parent}/repositories/images:setIamPolicy`,
      {
        policy: {
          bindings: [
            {
              role: "roles/artifactregistry.writer",
              members: [`serviceAccount:${cloud.email("build-sa")}`],
            },
          ],
        },
      },
    );

  /** Builds files and returns the finished build. */
  async function build(
    files: Record<string, string>,
    tag: string,
  ): Promise<any> {
    const archive = sourceArchive(
      Object.entries(files).map(([name, text]) => ({
        name,
        executable: false,
        bytes: Buffer.from(text),
      })),
    );
    const name = `${createHash("md5").update(archive).digest("hex")}-${count++}.tgz`;
    const { generation } = await cloud.client.request<any>({
      service: "storage",
      path: "b/source/o",
      method: "POST",
      query: { uploadType: "media", name },
      media: { type: "application/gzip", bytes: archive },
    });
    const image = `${REPOSITORY}/${tag}`;
    const { metadata } = await cloud.post(
      "cloudbuild",
      `${cloud.parent}/builds`,
      {
        serviceAccount: `${PROJECT}/serviceAccounts/${cloud.email("build-sa")}`,
        source: {
          storageSource: { bucket: "source", object: name, generation },
        },
        steps: [
          {
            name: "gcr.io/cloud-builders/docker",
            args: ["build", `--tag=${image}`, "."],
          },
        ],
        images: [image],
        options: { logging: "CLOUD_LOGGING_ONLY" },
      },
    );
    for (;;) {
      const now = await cloud.get(
        "cloudbuild",
        `${cloud.parent}/builds/${metadata.build.id}`,
      );
      if (now.finishTime) return now;
      await new Promise((later) => setTimeout(later, 50));
    }
  }

  /** Builds a program, makes a job of it, runs it and returns the execution and its task. */
  async function executed(
    id: string,
    program: string,
    template: object = {},
    container: object = {},
  ) {
    await letPush();
    const files = {
      Dockerfile:
        'FROM scratch\nENV FROM_IMAGE=yes\nWORKDIR /app\nCOPY main.mjs .\nENTRYPOINT ["node", "main.mjs"]\n',
      "main.mjs": program,
    };
    await build(files, `${id}:1`);
    const created = await cloud.post(
      "run",
      `${cloud.parent}/jobs`,
      {
        template: {
          template: {
            serviceAccount: cloud.email("job-sa"),
            maxRetries: 0,
            ...template,
            containers: [{ image: `${REPOSITORY}/${id}:1`, ...container }],
          },
        },
      },
      { jobId: id },
    );
    const { error } = await cloud.done("run", created);
    if (error) return { error, execution: undefined, task: undefined };
    const { metadata } = await cloud.post(
      "run",
      `${cloud.parent}/jobs/${id}:run`,
    );
    for (;;) {
      const execution = await cloud.get("run", metadata.name);
      if (execution.completionTime) {
        const { tasks } = await cloud.get("run", `${metadata.name}/tasks`);
        return { execution, task: tasks[0], error: undefined };
      }
      await new Promise((later) => setTimeout(later, 50));
    }
  }

  test("fails when the build's account may not push", async () => {
    const end = await build({ Dockerfile: "FROM scratch\n" }, "denied:1");

    expect(end.status).toBe("FAILURE");
    expect(end.failureInfo).toEqual({
      type: "PUSH_NOT_AUTHORIZED",
      detail: expect.stringContaining("uploadArtifacts' denied"),
    });
    expect(cloud.server.cloud.state.images).toEqual([]);
  }, 20_000);

  test("fails when a Dockerfile copies what is not there", async () => {
    await letPush();
    const end = await build(
      { Dockerfile: "FROM scratch\nCOPY gone .\n" },
      "wrong:1",
    );

    expect(end.failureInfo.type).toBe("USER_BUILD_STEP");
    expect(cloud.logOf("build_id", end.id).join("\n")).toMatch(
      /Dockerfile:2\n.*failed to solve: .*"\/gone": not found/,
    );
  }, 20_000);

  test("fails when a tag is pushed twice", async () => {
    await letPush();
    const first = await build({ Dockerfile: "FROM scratch\n" }, "twice:1");
    const second = await build(
      { Dockerfile: "FROM scratch\nENV A=b\n" },
      "twice:1",
    );

    expect([first.status, second.status]).toEqual(["SUCCESS", "FAILURE"]);
    expect(second.failureInfo.detail).toContain("tag immutability");
  }, 20_000);

  test("a job has its image, environment and volume, and its lines are in the log", async () => {
    const { execution } = await executed(
      "good",
      `import { readFileSync } from "node:fs";
       console.log(process.env.FROM_IMAGE, process.env.COLOUR, process.env.CLOUD_RUN_TASK_ATTEMPT);
       console.log(readFileSync(process.argv[2], "utf8"));
       console.log(JSON.stringify({ message: "structured", severity: "WARNING" }));
       console.log(Object.keys(process.env).includes("npm_config_user_agent"));`,
      { volumes: [{ name: "m", gcs: { bucket: "models" } }] },
      {
        env: [{ name: "COLOUR", value: "blue" }],
        args: ["/mnt/models/greeting"],
        volumeMounts: [{ name: "m", mountPath: "/mnt/models" }],
      },
    );

    expect(execution.succeededCount).toBe(1);
    expect(cloud.logOf("job_name", "good")).toEqual([
      "yes blue 0",
      "hello",
      "structured",
      "false",
    ]);
  }, 30_000);

  test("a job is tried again, and told which attempt it is", async () => {
    const { execution, task } = await executed(
      "retried",
      "process.exit(process.env.CLOUD_RUN_TASK_ATTEMPT === '1' ? 0 : 75)",
      { maxRetries: 3 },
    );

    expect(execution).toMatchObject({ succeededCount: 1, retriedCount: 1 });
    expect(task.lastAttemptResult?.exitCode ?? 0).toBe(0);
  }, 30_000);

  test("fails when an attempt takes longer than its timeout", async () => {
    const { execution, task } = await executed(
      "slow",
      "setTimeout(() => 0, 60_000)",
      { timeout: "1s" },
    );

    expect(execution.failedCount).toBe(1);
    expect(task.lastAttemptResult.status.message).toBe(
      "The configured timeout was reached.",
    );
  }, 30_000);

  test("fails when a job's processes hold more than its memory limit", async () => {
    const { execution, task } = await executed(
      "greedy",
      `import { spawn } from "node:child_process";
       const hold = "globalThis.held = Buffer.alloc(200 << 20, 1); setTimeout(() => 0, 60_000)";
       spawn(process.execPath, ["-e", hold]);
       setTimeout(() => 0, 60_000);`,
      {},
      { resources: { limits: { cpu: "1", memory: "256Mi" } } },
    );

    expect(execution.failedCount).toBe(1);
    expect(task.lastAttemptResult).toMatchObject({
      termSignal: 9,
      status: { message: expect.stringContaining("Memory limit") },
    });
    expect(cloud.logOf("job_name", "greedy")).toEqual([
      expect.stringMatching(
        /^Memory limit of 256 MiB exceeded with \d{3} MiB used\./,
      ),
    ]);
  }, 30_000);

  test("fails when the account may not mount the bucket", async () => {
    await cloud.bucket("closed");
    const { execution } = await executed("unmounted", "", {
      volumes: [{ name: "m", gcs: { bucket: "closed" } }],
    });

    expect(execution.conditions[0].message).toContain(
      "job-sa@local-project.iam.gserviceaccount.com does not have storage.objects.list",
    );
  }, 30_000);

  test("fails when a job's image is not in the registry", async () => {
    const operation = await cloud.post(
      "run",
      `${cloud.parent}/jobs`,
      {
        template: {
          template: {
            serviceAccount: cloud.email("job-sa"),
            containers: [{ image: `${REPOSITORY}/none:1` }],
          },
        },
      },
      { jobId: "imageless" },
    );

    expect((await cloud.done("run", operation)).error.message).toBe(
      `Image '${REPOSITORY}/none:1' not found.`,
    );
  });

  const WEB = {
    Dockerfile:
      'FROM scratch\nCOPY main.mjs /\nENTRYPOINT ["node", "/main.mjs"]\n',
    "main.mjs": `import { createServer } from "node:http";
      const { PORT, K_REVISION } = process.env;
      createServer((request, response) => response.end(request.url + " " + K_REVISION)).listen(PORT, "127.0.0.1");`,
  };
  // of this project
  /** A service of {@link WEB}, whose answers end with the revision's name. */
  const web = (image: string, revision: string, more: object = {}) => ({
    template: {
      revision,
      serviceAccount: cloud.email("job-sa"),
      containers: [
        {
          image: `${REPOSITORY}/${image}`,
          args: [],
          startupProbe: { httpGet: { path: "/health" }, periodSeconds: 1 },
        },
      ],
    },
    ...more,
  });

  test("a service answers whom it may, ends when idle, and starts again", async () => {
    await letPush();
    await build(WEB, "web:1");
    const operation = await cloud.post(
      "run",
      `${cloud.parent}/services`,
      web("web:1", "web-1"),
      { serviceId: "web" },
    );
    const { response } = await cloud.done("run", operation);
    const ask = (token?: string) =>
      fetch(`${response.uri}/x`, {
        headers: token ? { authorization: `Bearer ${token}` } : {},
      });
    const { tokens, containers } = cloud.server.cloud;

    expect((await ask()).status).toBe(403);
    expect((await ask("made.up.token")).status).toBe(401);
    const foreign = tokens.identityToken(cloud.email("job-sa"), response.uri);
    expect((await ask(foreign)).status).toBe(403);
    const first = await ask(tokens.identityToken(DEFAULTS.user, response.uri));
    expect(await first.text()).toBe("/x web-1");

    await new Promise((later) => setTimeout(later, 1500));
    expect(containers.active).toEqual([]);
    expect((await ask(cloud.env["GOOGLE_ID_TOKEN"])).status).toBe(200);
  }, 30_000);

  test("a service's requests go where its traffic says, and by a tag to one revision", async () => {
    await letPush();
    await build(WEB, "split:1");
    const path = `${cloud.parent}/services/split`;
    const created = await cloud.post(
      "run",
      `${cloud.parent}/services`,
      web("split:1", "split-1"),
      { serviceId: "split" },
    );
    const { uri } = (await cloud.done("run", created)).response;
    const route = async (...traffic: object[]) => {
      const changed = await cloud.client.request({
        service: "run",
        path,
        method: "PATCH",
        body: web("split:1", "split-2", { traffic }),
      });
      return (await cloud.done("run", changed)).response.trafficStatuses;
    };
    const ask = async (address: string) => {
      const token = cloud.env["GOOGLE_ID_TOKEN"];
      const answer = await fetch(`${address}/`, {
        headers: { authorization: `Bearer ${token}` },
      });
      return (await answer.text()).replace("/ ", "");
    };
    /** Which revisions answered. Of 100 requests half go elsewhere, but for one chance in 10^30. */
    const asked = async () =>
      [
        ...new Set(
          await Promise.all(Array.from({ length: 100 }, () => ask(uri))),
        ),
      ].sort();
    const to = (revision: string, percent: number) => ({
      type: "TRAFFIC_TARGET_ALLOCATION_TYPE_REVISION",
      revision,
      percent,
    });
    const latest = { type: "TRAFFIC_TARGET_ALLOCATION_TYPE_LATEST" };

    const [, next] = await route(to("split-1", 100), {
      ...latest,
      tag: "next",
    });
    expect(await asked()).toEqual(["split-1"]);
    expect(await ask(next.uri)).toBe("split-2");

    await route(to("split-1", 50), to("split-2", 50));
    expect(await asked()).toEqual(["split-1", "split-2"]);
    // The tag is gone, and its address with it.
    await expect(ask(next.uri)).rejects.toThrow("fetch failed");

    await route({ ...latest, percent: 100 });
    expect(await asked()).toEqual(["split-2"]);
  }, 30_000);
});
