import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { DEFAULTS } from "../rehearsal/cloud/cloud-settings";
import { trafficProblems } from "../rehearsal/cloud/run/traffic-rules";
import { LocalCloud } from "./local-cloud";

const PROJECT = `projects/${DEFAULTS.project}`;
const IMAGE = `${DEFAULTS.region}-docker.pkg.dev/${DEFAULTS.project}/images`;
const AGENT = `service-${DEFAULTS.projectNumber}@serverless-robot-prod.iam.gserviceaccount.com`;

describe("what a container of a local cloud needs to start", () => {
  let cloud: LocalCloud;
  let folder: string;
  beforeAll(async () => {
    cloud = await LocalCloud.start();
    folder = mkdtempSync(join(tmpdir(), "tuneserve-containers-"));
    await cloud.account("job-sa");
  });
  afterAll(async () => {
    await cloud.close();
    rmSync(folder, { recursive: true });
  });

  /** An image of a program, in the registry. */
  function image(name: string, program: string): string {
    const rootfs = join(folder, name, "rootfs");
    mkdirSync(rootfs, { recursive: true });
    writeFileSync(join(rootfs, "main.mjs"), program);
    writeFileSync(
      join(folder, name, "image.json"),
      JSON.stringify({
        entrypoint: [process.execPath, "main.mjs"],
        ...{ cmd: [], env: {}, workdir: "/" },
      }),
    );
    cloud.image(`${IMAGE}/${name}`, join(folder, name));
    return `${IMAGE}/${name}:1`;
  }

  async function job(id: string, container: object, template: object = {}) {
    return cloud.post(
      "run",
      `${cloud.parent}/jobs`,
      {
        template: {
          template: {
            serviceAccount: cloud.email("job-sa"),
            maxRetries: 0,
            containers: [container],
            ...template,
          },
        },
      },
      { jobId: id },
    );
  }
  const run = async (id: string) =>
    cloud.done(
      "run",
      await cloud.post("run", `${cloud.parent}/jobs/${id}:run`),
    );

  async function secret(id: string, text: string): Promise<void> {
    await cloud.post(
      "secretmanager",
      `${PROJECT}/secrets`,
      { replication: { automatic: {} } },
      { secretId: id },
    );
    await cloud.post("secretmanager", `${PROJECT}/secrets/${id}:addVersion`, {
      payload: { data: Buffer.from(text).toString("base64") },
    });
  }
  const letRead = (id: string, members: string[]) =>
    cloud.post("secretmanager", `${PROJECT}/secrets/${id}:setIamPolicy`, {
      policy: {
        bindings: [{ role: "roles/secretmanager.secretAccessor", members }],
      },
    });
  const variable = (id: string, version = "latest") => [
    { name: "S", valueSource: { secretKeyRef: { secret: id, version } } },
  ];

  test("fails when a secret does not exist, already where the job is made", async () => {
    const made = job("secretless", {
      image: image("secretless", ""),
      env: variable("gone"),
    });

    expect(await cloud.refusal(made)).toBe(
      `400 Secret projects/${DEFAULTS.projectNumber}/secrets/gone/versions/latest was not found`,
    );
  });

  test("fails at the start when the secret has gone since, or its grant has", async () => {
    const member = `serviceAccount:${cloud.email("job-sa")}`;
    await secret("passing", "hush");
    await letRead("passing", [member]);
    const container = { image: image("late", ""), env: variable("passing") };
    await cloud.done("run", await job("late", container));
    expect(await run("late")).not.toHaveProperty("error");

    await letRead("passing", []);
    expect((await run("late")).error.message).toContain(
      `Permission denied on secret: projects/${DEFAULTS.projectNumber}/secrets/passing/versions/latest`,
    );
    await cloud.post(
      "secretmanager",
      `${PROJECT}/secrets/passing/versions/1:disable`,
    );
    expect((await run("late")).error.message).toContain("is in DISABLED state");
    await cloud.client.request({
      service: "secretmanager",
      path: `${PROJECT}/secrets/passing`,
      method: "DELETE",
    });
    expect((await run("late")).error.message).toContain("was not found");
  }, 30_000);

  test("mounts a secret as a file, and leaves none behind", async () => {
    await secret("mounted", "in a file");
    await letRead("mounted", [`serviceAccount:${cloud.email("job-sa")}`]);
    const program =
      'import { readFileSync } from "node:fs"; console.log(process.argv[2], readFileSync(process.argv[2], "utf8"));';
    const made = await job(
      "mounting",
      {
        image: image("mounting", program),
        args: ["/secrets/token"],
        volumeMounts: [{ name: "s", mountPath: "/secrets" }],
      },
      {
        volumes: [
          {
            name: "s",
            secret: { secret: "mounted", items: [{ path: "token" }] },
          },
        ],
      },
    );
    await cloud.done("run", made);
    expect(await run("mounting")).not.toHaveProperty("error");

    const [line = ""] = cloud.logOf("job_name", "mounting");
    const [file, ...text] = line.split(" ");
    expect(text.join(" ")).toBe("in a file");
    expect(() => writeFileSync(file!, "", { flag: "r+" })).toThrow("ENOENT");
  }, 30_000);

  test("mounts an empty folder, empty at each attempt", async () => {
    const program =
      'import { readdirSync, writeFileSync } from "node:fs"; console.log(readdirSync(process.argv[2])); writeFileSync(process.argv[2] + "/a", "");';
    const made = await job(
      "scratch",
      {
        image: image("scratch", program),
        args: ["/scratch"],
        volumeMounts: [{ name: "e", mountPath: "/scratch" }],
      },
      { volumes: [{ name: "e", emptyDir: { medium: "MEMORY" } }] },
    );
    await cloud.done("run", made);
    await run("scratch");
    await run("scratch");

    expect(cloud.logOf("job_name", "scratch")).toEqual(["[]", "[]"]);
  });

  test("puts lines under the log and severity that Cloud Run gives them", async () => {
    const program =
      'for (const severity of ["warning", "LOUD", 7]) console.log(JSON.stringify({ severity, message: "a" }));';
    const container = { image: image("logging", program) };
    await cloud.done("run", await job("logging", container));
    await run("logging");

    const { entries } = await cloud.post("logging", "entries:list", {
      resourceNames: [PROJECT],
      filter:
        'log_id("run.googleapis.com/stdout") AND resource.labels.job_name="logging"',
    });
    expect(entries.map(({ severity }: any) => severity)).toEqual([
      ...["WARNING", "DEFAULT", "DEFAULT"],
    ]);
  });

  test.each<[string, object, object, string]>([
    [
      "a volume is a file share",
      {},
      { volumes: [{ name: "n", nfs: { server: "s", path: "/" } }] },
      "volumes of type nfs",
    ],
    [
      "a second container stands beside it",
      {},
      { containers: [{ image: "a" }, { image: "b" }] },
      "more than one container",
    ],
  ])(
    "fails when %s, which would be left out in silence",
    async (_why, container, template, message) => {
      const made = job("unspoken", { image: "a", ...container }, template);

      expect(await cloud.refusal(made)).toBe(
        `501 This local cloud does not speak ${message} of a job (docs/local-cloud.md).`,
      );
    },
  );

  test("what a job writes into a mounted bucket and deletes there is so in the bucket", async () => {
    await cloud.bucket("written");
    for (const name of ["kept", "gone", "changed"]) {
      await cloud.upload("written", name, name);
    }
    await cloud.grant(
      "written",
      "roles/storage.objectUser",
      `serviceAccount:${cloud.email("job-sa")}`,
    );
    const program = `
      import { appendFileSync, mkdirSync, rmSync, writeFileSync } from "node:fs";
      const folder = process.argv[2];
      mkdirSync(folder + "/deep");
      writeFileSync(folder + "/deep/new", "made");
      appendFileSync(folder + "/changed", " later");
      rmSync(folder + "/gone");`;
    const mount = (readOnly: boolean) =>
      [
        {
          image: image("writing", program),
          args: ["/mnt"],
          volumeMounts: [{ name: "m", mountPath: "/mnt" }],
        },
        { volumes: [{ name: "m", gcs: { bucket: "written", readOnly } }] },
      ] as const;
    const text = async (name: string) => {
      const answer = await fetch(
        `${cloud.server.cloud.origin}/storage/v1/b/written/o/${name}?alt=media`,
        {
          headers: {
            authorization: `Bearer ${cloud.env["GOOGLE_OAUTH_ACCESS_TOKEN"]}`,
          },
        },
      );
      return answer.text();
    };
    const contents = async () => {
      const { items } = await cloud.get("storage", "b/written/o");
      return Object.fromEntries(
        items.map(({ name, size }: any) => [name, Number(size)]),
      );
    };

    await cloud.done("run", await job("reading", ...mount(true)));
    await run("reading");
    expect(await contents()).toEqual({ changed: 7, gone: 4, kept: 4 });
    expect(cloud.logOf("job_name", "reading")).toContain(
      "deep/new: Read-only file system",
    );
    expect(await text("changed")).toBe("changed");

    await cloud.done("run", await job("writing", ...mount(false)));
    expect(await run("writing")).not.toHaveProperty("error");
    expect(await contents()).toMatchObject({ "deep/new": 4, kept: 4 });
    expect(await contents()).not.toHaveProperty("gone");
    expect(await text("changed")).toBe("changed later");
  }, 30_000);

  test("fails when a secret's file would lie outside of its volume", async () => {
    const made = job(
      "climbing",
      {
        image: image("climbing", ""),
        volumeMounts: [{ name: "s", mountPath: "/secrets" }],
      },
      {
        volumes: [
          {
            name: "s",
            secret: { secret: "x", items: [{ path: "../token" }] },
          },
        ],
      },
    );

    expect(await cloud.refusal(made)).toContain(
      "400 volumes.s.secret.items.path: '../token' must be a relative path",
    );
  });

  test("fails when Cloud Run's own account may not read the image, at the start as well", async () => {
    const { access, project } = cloud.server.cloud;
    const { bindings } = access.policy(project);
    const container = { image: image("unread", "") };
    await cloud.done("run", await job("unread", container));
    expect(await run("unread")).not.toHaveProperty("error");
    // As google_project_iam_policy does, which knows nothing of it.
    access.setPolicy(project, {
      bindings: bindings.filter(
        ({ role }) => role !== "roles/run.serviceAgent",
      ),
    });
    const said = `Google Cloud Run Service Agent ${AGENT} must have permission to read the image, ${IMAGE}/unread:1.`;

    expect((await run("unread")).error.message).toContain(said);
    const made = await cloud.done("run", await job("unread-2", container));
    expect(made.error).toMatchObject({
      code: 7,
      message: expect.stringContaining(said),
    });
    access.setPolicy(project, { bindings });
  }, 30_000);

  test("an API that is switched off again refuses, whatever was made with it", async () => {
    const path = `${PROJECT}/services/secretmanager.googleapis.com`;
    const list = () =>
      cloud.refusal(cloud.get("secretmanager", `${PROJECT}/secrets`));
    await cloud.post("serviceusage", `${path}:disable`);
    for (let tries = 0; (await list()) === "(not refused)"; tries += 1) {
      expect(tries).toBeLessThan(100);
    }

    expect(await list()).toMatch(
      /^403 Secret Manager API has not been used in project \d+ before or it is disabled\./,
    );
    await cloud.post("serviceusage", `${path}:enable`);
    expect(await list()).toBe("(not refused)");
  });
});

describe("Cloud Run's rules for traffic", () => {
  const service = "projects/p/locations/r/services/s";
  const latest = { type: "TRAFFIC_TARGET_ALLOCATION_TYPE_LATEST" };
  const to = (revision: string, percent: number, tag?: string) => ({
    type: "TRAFFIC_TARGET_ALLOCATION_TYPE_REVISION",
    ...{ revision, percent },
    ...(tag ? { tag } : {}),
  });
  const problems = (...traffic: object[]) =>
    trafficProblems(service, traffic, [`${service}/revisions/a`], "b");

  test("take a split among revisions that there are, and the one that is made", () => {
    expect(problems(to("a", 30, "old"), to("b", 70), latest)).toEqual([]);
  });

  test.each<[string, object[], string]>([
    ["90 percent", [to("a", 90)], "must add up to 100, not 90"],
    ["a revision that is not there", [to("c", 100)], "'c' does not exist"],
    [
      "a tag twice",
      [to("a", 100, "t"), { ...latest, tag: "t" }],
      "can be used once",
    ],
    [
      "a tag that is no name",
      [{ ...latest, percent: 100, tag: "Next" }],
      "'Next' is not a valid tag",
    ],
    [
      "a revision beside the latest",
      [{ ...latest, percent: 100, revision: "a" }],
      "Must be empty for the latest revision",
    ],
  ])("fail for %s", (_what, traffic, message) => {
    expect(problems(...traffic).join("\n")).toContain(message);
  });
});
