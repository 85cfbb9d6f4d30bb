import { Executions } from "../provision/executions";
import { googleClient } from "../provision/google-client";
import { Progress } from "../provision/progress";
import { DEFAULTS } from "../rehearsal/cloud/cloud-settings";
import { type FaultKind, Faults, parseFault } from "../rehearsal/cloud/faults";
import { LocalCloud } from "./local-cloud";

const ACCOUNTS = `projects/${DEFAULTS.project}/serviceAccounts`;

describe("faults of a local cloud", () => {
  let cloud: LocalCloud;
  beforeAll(
    async () => (cloud = await LocalCloud.start({ containers: "stub" })),
  );
  afterAll(() => cloud.close());

  test("are read from the command line", () => {
    expect(parseFault("run.*.jobs.run=lost*2")).toEqual({
      method: "run.*.jobs.run",
      kind: "lost",
      times: 2,
    });
    expect(parseFault("storage.objects.insert@my.bucket=full")).toEqual({
      method: "storage.objects.insert",
      about: "my.bucket",
      kind: "full",
      times: 1,
    });
    expect(parseFault("run.jobs.run=burn")).toBeUndefined();
  });

  test.each<FaultKind>(["429", "503", "reset", "lost"])(
    "meet a reading call once, which is then made again: %s",
    async (kind) => {
      const method = "iam.projects.serviceAccounts.list";
      cloud.server.cloud.faults.add({ method, kind, times: 1 });
      const sent = jest.fn(fetch);
      const client = googleClient(cloud.env, {
        firstDelaySeconds: 0.01,
        fetchImplementation: sent,
      });

      expect(await client.request({ service: "iam", path: ACCOUNTS })).toEqual(
        {},
      );
      expect(sent).toHaveBeenCalledTimes(2);
    },
    10_000,
  );

  test("meet only what they are about, until somebody mends it", async () => {
    await cloud.bucket("full");
    await cloud.bucket("with-room");
    const { faults } = cloud.server.cloud;
    const method = "storage.objects.insert";
    faults.add({ method, about: "full", kind: "full", times: Infinity });
    const put = (bucket: string) =>
      cloud.refusal(cloud.upload(bucket, "a", ""));

    expect(faults.waiting).toHaveLength(1);
    expect(await put("with-room")).toBe("(not refused)");
    expect(await put("full")).toContain("403 The storage quota has been");
    expect(await put("full")).toContain("403 The storage quota has been");
    expect(faults.waiting).toEqual([]);
    faults.clear();
    expect(await put("full")).toBe("(not refused)");
  });

  test("fails when the token has expired, and says what to do", async () => {
    cloud.server.cloud.faults.add({
      method: "iam.*",
      kind: "expired",
      times: 1,
    });

    await expect(cloud.get("iam", ACCOUNTS)).rejects.toThrow(
      "export GOOGLE_OAUTH_ACCESS_TOKEN=$(gcloud auth print-access-token)",
    );
  });

  test.each([
    [true, 0],
    [false, 1],
  ])(
    "a call that stalls happens only if its caller has not gone (gone: %s)",
    async (gone, times) => {
      const faults = new Faults([
        { method: "a.b", kind: "stall", times: 1, seconds: 0.005 },
      ]);
      const happen = jest.fn();

      await faults.meet("a.b", happen, { gone: () => gone }).catch(() => 0);

      expect(happen).toHaveBeenCalledTimes(times);
    },
  );

  test("a lost answer to the start of a job makes one execution", async () => {
    const email = await cloud.account("job-sa");
    const image = `${DEFAULTS.region}-docker.pkg.dev/${DEFAULTS.project}/r/i`;
    cloud.image(image);
    const template = {
      labels: { "run-id": "0123456789ab" },
      template: {
        serviceAccount: email,
        containers: [{ image: `${image}:1` }],
      },
    };
    await cloud.post(
      "run",
      `${cloud.parent}/jobs`,
      { template },
      { jobId: "job" },
    );
    cloud.server.cloud.faults.add({
      method: "run.*.jobs.run",
      kind: "lost",
      times: 1,
    });
    const session = {
      env: cloud.env,
      client: googleClient(cloud.env, {
        firstDelaySeconds: 0.01,
        fetchImplementation: fetch,
      }),
      progress: new Progress(() => undefined, 0),
    };
    const executions = new Executions(
      session,
      `${cloud.parent}/jobs/job`,
      0.01,
    );

    const { name } = await executions.start("0123456789ab");

    expect(Object.keys(cloud.server.cloud.state.executions)).toEqual([name]);
  });
});
