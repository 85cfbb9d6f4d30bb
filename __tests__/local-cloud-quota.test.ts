import type { Preflight } from "../commands/preflight/finding";
import { quotas } from "../commands/preflight/quota";
import { readSettings } from "../constructs/read-settings";
import { DEFAULTS } from "../rehearsal/cloud/cloud-settings";
import { LocalCloud } from "./local-cloud";

const IMAGE = `${DEFAULTS.region}-docker.pkg.dev/${DEFAULTS.project}/images/i`;
const VIOLATED = "NvidiaL4GpuAllocNoZonalRedundancyPerProjectRegion";

let cloud: LocalCloud;
afterEach(() => cloud.close());

/** A cloud whose containers are stubs, with an image and an account to run it. */
async function startedWith(gpuQuota: number): Promise<void> {
  cloud = await LocalCloud.start({ containers: "stub", gpuQuota });
  await cloud.account("run-sa");
  cloud.image(IMAGE);
}

const GPU = {
  nodeSelector: { accelerator: "nvidia-l4" },
  gpuZonalRedundancyDisabled: true,
};

const container = () => ({
  serviceAccount: cloud.email("run-sa"),
  containers: [
    {
      image: `${IMAGE}:1`,
      resources: {
        limits: { cpu: "4", memory: "16Gi", "nvidia.com/gpu": "1" },
      },
    },
  ],
  ...GPU,
});

const service = (id: string, maxInstanceCount: number) =>
  cloud.post(
    "run",
    `${cloud.parent}/services`,
    { template: { ...container(), scaling: { maxInstanceCount } } },
    { serviceId: id },
  );

/** Makes a job, executes it, and returns how that ended. */
async function executed(id: string): Promise<any> {
  const template = { template: { ...container(), maxRetries: 0 } };
  const job = await cloud.post(
    "run",
    `${cloud.parent}/jobs`,
    { template },
    { jobId: id },
  );
  expect(await cloud.done("run", job)).not.toHaveProperty("error");
  const run = await cloud.post("run", `${cloud.parent}/jobs/${id}:run`);
  return cloud.done("run", run);
}

/** What npm run preflight says about the GPUs of the default settings. */
async function preflight(): Promise<string> {
  const { dev } = readSettings(
    {
      environments: {
        dev: {
          projectId: DEFAULTS.project,
          region: DEFAULTS.region,
          models: { m: {} },
        },
      },
    },
    {},
  );
  const [gpu, ...others] = await quotas({
    settings: dev,
    google: cloud.client,
  } as unknown as Preflight);
  expect(others.map(({ status }) => status)).toEqual(["pass", "pass"]);
  return `${gpu!.status} ${gpu!.detail}`;
}

describe("the quotas of a local cloud", () => {
  test("are told to npm run preflight", async () => {
    await startedWith(3);

    expect(await preflight()).toBe("pass 3 for 2 GPUs");
  });

  test("tell it that there is no GPU, and no execution starts then", async () => {
    await startedWith(0);

    expect(await preflight()).toMatch(/^warn 0 now;/);
    expect((await executed("train")).error).toEqual({
      code: 9,
      message: `Quota violated: ${VIOLATED} requested: 1 allowed: 0`,
    });
  });

  test("fail a service that may grow beyond them, before it is made", async () => {
    await startedWith(3);

    const said = await cloud.refusal(service("large", 4));
    expect(said).toMatch(
      /^400 template\.scaling\.max_instance_count: Max instances must be set to 3 or fewer in order to set GPU requirements\./,
    );
    expect(said).toContain(
      `Quota violated:\n${VIOLATED} requested: 4 allowed: 3`,
    );
    expect(cloud.server.cloud.state.services).toEqual({});
  });

  test("count what runs: no training beside a service that has the only GPU", async () => {
    await startedWith(1);
    const made = await cloud.done("run", await service("only", 1));

    expect(made).not.toHaveProperty("error");
    expect((await executed("train")).error.message).toBe(
      `Quota violated: ${VIOLATED} requested: 2 allowed: 1`,
    );
  });

  test("are free again when an execution has ended", async () => {
    await startedWith(1);

    expect(await executed("first")).not.toHaveProperty("error");
    expect(await executed("second")).not.toHaveProperty("error");
  });

  test("fail one who may not see them", async () => {
    await startedWith(3);
    const call = cloud.as("run-sa").request({
      service: "serviceusage",
      path: `../v1beta1/projects/${DEFAULTS.project}/services/run.googleapis.com/consumerQuotaMetrics`,
    });

    expect(await cloud.refusal(call)).toContain(
      "403 Permission 'serviceusage.quotas.get' denied",
    );
  });
});
