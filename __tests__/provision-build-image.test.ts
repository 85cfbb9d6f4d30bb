import { createHash } from "node:crypto";
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { gunzipSync } from "node:zlib";
import { Parser } from "tar";
import { sourceFiles, sourceHash } from "../constructs/source-hash";
import { buildImage } from "../provision/build-image";
import { sourceArchive } from "../provision/source-archive";
import { type Answer, apiError, GoogleApiServer } from "./google-api-server";
import { run, runProcess } from "./provisioner-run";

const GET_TAG =
  "artifactregistry.projects.locations.repositories.packages.tags.get";
const INSERT = "storage.objects.insert";
const GET_OBJECT = "storage.objects.get";
const CREATE = "cloudbuild.projects.locations.builds.create";
const LIST = "cloudbuild.projects.locations.builds.list";
const GET = "cloudbuild.projects.locations.builds.get";
const LOGS = "logging.entries.list";

// Starting Node takes seconds on a busy machine.
jest.setTimeout(30_000);

let context: string;
let tag: string;
beforeAll(() => {
  context = mkdtempSync(join(tmpdir(), "context-"));
  mkdirSync(join(context, "finetune"));
  writeFileSync(join(context, "Dockerfile"), "FROM scratch\n");
  writeFileSync(join(context, ".dockerignore"), "*\n!finetune\n");
  writeFileSync(join(context, "finetune", "main.py"), "print(1)\n");
  writeFileSync(join(context, "finetune", "run"), "#!/bin/sh\n", {
    mode: 0o755,
  });
  tag = sourceHash(context);
});
afterAll(() => rmSync(context, { recursive: true }));

let server: GoogleApiServer;
let cloud: Cloud;
beforeEach(async () => {
  server = await GoogleApiServer.start();
  cloud = new Cloud(server);
});
afterEach(() => server.close());

const env = () => ({
  PROJECT_ID: "p",
  CONTEXT: context,
  IMAGE: "europe-west4-docker.pkg.dev/p/repo/trainer",
  TAG: tag,
  SERVICE_ACCOUNT: "build@p.iam.gserviceaccount.com",
  SOURCE_BUCKET: "p-source",
  LOCATION: "europe-west4",
  MACHINE_TYPE: "E2_HIGHCPU_32",
  DISK_SIZE_GB: "200",
  TIMEOUT_SECONDS: "3600",
});
const build = (more: NodeJS.ProcessEnv = {}) =>
  run(buildImage, server, { ...env(), ...more });

/** A registry, a bucket and Cloud Build, that build whatever they are given. */
class Cloud {
  published = false;
  readonly builds: any[] = [];
  readonly objects = new Map<string, { generation: string; md5Hash: string }>();
  log: string[] = [];
  end: Record<string, unknown> = { status: "SUCCESS" };

  constructor(api: GoogleApiServer) {
    api
      .on(GET_TAG, () =>
        this.published ? { body: { name: "tag" } } : apiError(404, "no tag"),
      )
      .on(INSERT, ({ query, bytes }) => {
        const name = query.get("name") ?? "";
        if (this.objects.has(name)) return apiError(412, "exists");
        return { body: this.put(name, bytes) };
      })
      .on(GET_OBJECT, ({ variables }) => ({
        body: this.objects.get(variables[1] ?? "") ?? {},
      }))
      .on(LIST, ({ query }) => ({
        body: {
          builds: this.builds.filter(({ tags }) =>
            tags.includes(/tags="(.+)"/.exec(query.get("filter") ?? "")?.[1]),
          ),
        },
      }))
      .on(CREATE, ({ body }) => this.create(body))
      .on(GET, ({ variables, before }) => {
        const found = this.builds.find(({ id }) => id === variables[2]);
        if (before > 0) Object.assign(found, this.end);
        if (found.status === "SUCCESS") this.published = true;
        return { body: found };
      })
      .on(LOGS, () => ({
        body: {
          entries: this.log.map((textPayload, index) => ({
            textPayload,
            insertId: String(index),
            timestamp: new Date().toISOString(),
          })),
        },
      }));
  }

  put(name: string, bytes: Buffer) {
    const md5Hash = createHash("md5").update(bytes).digest("base64");
    const stored = { generation: String(this.objects.size + 1001), md5Hash };
    this.objects.set(name, stored);
    return stored;
  }

  create(body: object): Answer {
    const created = {
      ...body,
      id: `b-${this.builds.length + 1}`,
      status: "QUEUED",
      createTime: new Date().toISOString(),
      logUrl: "https://console/log",
    };
    this.builds.push(created);
    return { body: { name: "op", metadata: { build: created } } };
  }
}

describe("a new image", () => {
  test("is built from an uploaded archive, with its log streamed", async () => {
    cloud.log = ["Starting Step #0", "50%\r100%", "PUSH DONE"];
    const { output, failure } = await build();
    expect(failure).toBeUndefined();
    expect(output).toMatch(/may be interrupted.*attaches/);
    expect(output).toContain("\n100%\nPUSH DONE\n");
    expect(output).not.toContain("\r");
    expect(output.match(/PUSH DONE/g)).toHaveLength(1);
    expect(output).toMatch(/trainer:[0-9a-f]+ is built\n$/);
    expect(server.callsOf(CREATE)[0]?.body).toMatchObject({
      serviceAccount:
        "projects/p/serviceAccounts/build@p.iam.gserviceaccount.com",
      source: {
        storageSource: {
          bucket: "p-source",
          object: `trainer-${tag}.tgz`,
          generation: "1001",
        },
      },
      images: [`europe-west4-docker.pkg.dev/p/repo/trainer:${tag}`],
      timeout: "3600s",
      options: {
        logging: "CLOUD_LOGGING_ONLY",
        machineType: "E2_HIGHCPU_32",
        diskSizeGb: "200",
      },
    });
    expect(server.callsOf(INSERT)[0]?.query.get("ifGenerationMatch")).toBe("0");
  });

  test("proves the right to push before it pulls anything", async () => {
    await build();
    const [first] = server.callsOf(CREATE)[0]?.body.steps;
    expect(first.env).toEqual([
      "PROBE=europe-west4-docker.pkg.dev/p/repo/write-check:$BUILD_ID",
    ]);
    expect(first.args[1]).toContain('until docker push --quiet "$$PROBE"');
  });

  test("is not built if its tag exists", async () => {
    cloud.published = true;
    const { output, failure } = await build();
    expect(failure).toBeUndefined();
    expect(output).toMatch(/exists: nothing to build\n$/);
    expect(server.calls.map(({ id }) => id)).toEqual([GET_TAG]);
  });

  test("attaches to a build of it that runs, also in global", async () => {
    cloud.create({ tags: [`trainer-${tag}`] });
    server.on(LIST, ({ variables }) => ({
      body: { builds: variables[1] === "global" ? cloud.builds : [] },
    }));
    const { output, failure } = await build();
    expect(failure).toBeUndefined();
    expect(output).toMatch(/attaching to a build/);
    expect(server.callsOf(CREATE)).toHaveLength(0);
    expect(server.callsOf(GET)[0]?.variables[1]).toBe("global");
  });

  test("fails when the folder has changed since the plan", async () => {
    const { failure } = await build({ TAG: "0123456789abcdef" });
    expect(failure).toMatch(
      new RegExp(
        `it is ${tag} now, planned was 0123456789abcdef.*deploy again`,
      ),
    );
    expect(server.callsOf(INSERT)).toHaveLength(0);
  });
});

describe("the archive", () => {
  test("has no trace of the machine: names in order, modes, no times", async () => {
    const entries: string[] = [];
    const parser = new Parser({
      onReadEntry: (entry) => {
        entries.push(
          `${entry.mode?.toString(8)} ${entry.mtime?.getTime()} ${entry.path}`,
        );
        entry.resume();
      },
    });
    parser.end(gunzipSync(sourceArchive(sourceFiles(context))));
    expect(entries).toEqual([
      "644 0 Dockerfile",
      "644 0 finetune/main.py",
      "755 0 finetune/run",
    ]);
  });

  test("that is there already is taken as it is", async () => {
    cloud.put(`trainer-${tag}.tgz`, sourceArchive(sourceFiles(context)));
    await build();
    expect(cloud.objects.size).toBe(1);
    expect(cloud.builds[0].source.storageSource.generation).toBe("1001");
  });

  test("that another machine packed differently gets its own name", async () => {
    cloud.put(`trainer-${tag}.tgz`, Buffer.from("other bytes"));
    await build();
    expect(cloud.builds[0].source.storageSource.object).toMatch(
      new RegExp(`^trainer-${tag}-[0-9a-f]{32}\\.tgz$`),
    );
  });
});

describe("the start of a build", () => {
  test("goes to global when the region refuses builds", async () => {
    server.on(CREATE, ({ variables, body }) =>
      variables[1] === "global"
        ? cloud.create(body)
        : apiError(
            400,
            "failed precondition: due to quota restrictions, Cloud Build cannot run builds of this machine type in this region",
          ),
    );
    const { output, failure } = await build();
    expect(failure).toBeUndefined();
    expect(output).toMatch(
      /europe-west4 refuses the build.*building in global/,
    );
  });

  test("fails when global refuses too, with the setting to change", async () => {
    server.on(CREATE, () =>
      apiError(
        400,
        "due to quota restrictions, cannot run builds in this region",
      ),
    );
    const { failure } = await build();
    expect(failure).toMatch(/could not be started.*build\.machineType/);
  });

  test("does not go to global for any other refusal", async () => {
    server.on(CREATE, () =>
      apiError(400, "constraints/gcp.resourceLocations violated"),
    );
    const { failure } = await build();
    expect(failure).toMatch(/resourceLocations/);
    expect(server.callsOf(CREATE)).toHaveLength(1);
  });

  test("waits for a service account and grants that are only just made", async () => {
    server.on(
      CREATE,
      ({ body, before }) =>
        [
          apiError(400, "service account build@p does not exist"),
          apiError(
            403,
            "caller does not have permission to act as service account",
          ),
          apiError(
            400,
            "could not resolve source: googleapi: Error 403: build@p does not have storage.objects.get access",
          ),
        ][before] ?? cloud.create(body),
    );
    const { failure } = await build();
    expect(failure).toBeUndefined();
    expect(cloud.builds).toHaveLength(1);
  });

  test("looks for the build when the answer gets lost", async () => {
    server.on(CREATE, ({ body }) => {
      cloud.create(body);
      return { lost: true };
    });
    const { output, failure } = await build();
    expect(failure).toBeUndefined();
    expect(output).toMatch(/looking whether it started/);
    expect(cloud.builds).toHaveLength(1);
  });

  test("is repeated when the request itself got lost", async () => {
    server.on(CREATE, ({ body, before }) =>
      before === 0 ? { status: 503, body: {} } : cloud.create(body),
    );
    const { failure } = await build();
    expect(failure).toBeUndefined();
    expect(cloud.builds).toHaveLength(1);
  });

  test("is repeated after 429", async () => {
    server.on(CREATE, ({ body, before }) =>
      before === 0
        ? { ...apiError(429, "slow"), headers: { "retry-after": "0" } }
        : cloud.create(body),
    );
    expect((await build()).failure).toBeUndefined();
  });
});

describe("a build that fails", () => {
  test("counts as done if the tag is there: somebody else pushed it", async () => {
    cloud.end = { status: "FAILURE", failureInfo: { type: "PUSH_FAILED" } };
    server.on(GET_TAG, ({ before }) =>
      before === 0 ? apiError(404, "no tag") : { body: { name: "tag" } },
    );
    const { output, failure } = await build();
    expect(failure).toBeUndefined();
    expect(output).toMatch(/is built\n$/);
  });

  test("fails when a step fails, with 15 lines and one that says what to do", async () => {
    cloud.log = Array.from({ length: 30 }, (_, index) => `line ${index}.`);
    cloud.end = {
      status: "FAILURE",
      failureInfo: { type: "USER_BUILD_STEP" },
      steps: [
        { id: "write-check", status: "SUCCESS" },
        { id: "build", status: "FAILURE" },
      ],
    };
    const { output, failure } = await build();
    const tail = output.slice(output.lastIndexOf("last lines of the log"));
    expect(tail.match(/line \d+\./g)).toHaveLength(15);
    expect(tail).toContain("line 29.");
    expect(failure).toMatch(
      /was not built: the Dockerfile failed. What to do: .*Log: https:\/\/console\/log$/,
    );
  });

  test("fails when the push is denied", async () => {
    cloud.end = {
      status: "FAILURE",
      steps: [{ id: "write-check", status: "FAILURE" }],
    };
    expect((await build()).failure).toMatch(/push .* denied.*artifactregistry/);
  });
});

test("goes on without a log that may not be read", async () => {
  server.on(LOGS, () => apiError(403, "logging.logEntries.list denied"));
  const { output, failure } = await build();
  expect(failure).toBeUndefined();
  expect(output.match(/roles\/logging\.viewer/g)).toHaveLength(1);
});

test("builds with the arguments that are part of the tag", async () => {
  const BUILD_ARGUMENTS = '{"BASE":"cuda12"}';
  await build({ TAG: `${tag}-cuda12`, BUILD_ARGUMENTS });
  const step = cloud.builds[0].steps.find(({ id }: any) => id === "build");

  expect(step.args).toContain("--build-arg=BASE=cuda12");
});

test("fails when the arguments are not those of the tag, or no JSON", async () => {
  const { failure } = await build({ BUILD_ARGUMENTS: '{"BASE":"cuda13"}' });
  expect(failure).toContain(`it is ${tag}-cuda13 now, planned was ${tag}`);
  expect((await build({ BUILD_ARGUMENTS: "BASE" })).failure).toMatch(
    /BUILD_ARGUMENTS is 'BASE', but must be a JSON object of texts/,
  );
});

test("fails when inputs are missing or wrong, naming all of them", async () => {
  const { failure } = await build({ TAG: "", DISK_SIZE_GB: "big" });
  expect(failure).toMatch(
    /TAG is missing; DISK_SIZE_GB is 'big', but must be a whole number/,
  );
});

test("runs as a process", async () => {
  const { output, exitCode } = await runProcess(
    "build-image.ts",
    server,
    env(),
  );
  expect(output).toMatch(/is built\n$/);
  expect(exitCode).toBe(0);
});
