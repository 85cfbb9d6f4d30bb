import { mkdtempSync, mkdirSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { DEFAULTS } from "../rehearsal/cloud/cloud-settings";
import type { Ending } from "../rehearsal/cloud/containers/workload";
import { LocalCloud } from "./local-cloud";

const IMAGE = `${DEFAULTS.region}-docker.pkg.dev/${DEFAULTS.project}/images/i`;

/** What a test says of a container: how it ends, and when. */
type Script = (task: number, attempt: number) => Ending | Promise<Ending>;

describe("the tasks of an execution", () => {
  let cloud: LocalCloud;
  let folder: string;
  beforeAll(async () => {
    cloud = await LocalCloud.start();
    folder = mkdtempSync(join(tmpdir(), "tuneserve-tasks-"));
    await cloud.account("job-sa");
    cloud.image(IMAGE, folder);
  });
  afterAll(async () => {
    await cloud.close();
    rmSync(folder, { recursive: true });
  });
  afterEach(() => jest.restoreAllMocks());

  /** Containers that do nothing but end as a test says; tells the most that there were at a time. */
  function containers(script: Script) {
    const seen = { now: 0, most: 0, started: [] as string[] };
    const { containers } = cloud.server.cloud;
    jest.spyOn(containers, "start").mockImplementation(async (props) => {
      const {
        CLOUD_RUN_TASK_INDEX: task,
        CLOUD_RUN_TASK_ATTEMPT: attempt,
        CLOUD_RUN_TASK_COUNT: count,
      } = props.environment;
      seen.started.push(`${task}/${count} ${attempt}`);
      seen.most = Math.max(seen.most, ++seen.now);
      const ended = (async () => {
        const ending = await script(Number(task), Number(attempt));
        seen.now -= 1;
        return ending;
      })();
      return { ended, stop: async () => undefined };
    });
    return seen;
  }

  async function started(id: string, execution: object, task: object = {}) {
    const template = {
      ...execution,
      template: {
        serviceAccount: cloud.email("job-sa"),
        maxRetries: 0,
        containers: [{ image: `${IMAGE}:1` }],
        ...task,
      },
    };
    const created = await cloud.post(
      "run",
      `${cloud.parent}/jobs`,
      { template },
      { jobId: id },
    );
    await cloud.done("run", created);
    return cloud.post("run", `${cloud.parent}/jobs/${id}:run`);
  }

  async function run(id: string, execution: object, task: object = {}) {
    const operation = await started(id, execution, task);
    const { error } = await cloud.done("run", operation);
    const { name } = operation.metadata;
    const { tasks, nextPageToken } = await cloud.get("run", `${name}/tasks`);
    return {
      error,
      execution: await cloud.get("run", name),
      tasks,
      nextPageToken,
    };
  }

  const later = () => new Promise((done) => setTimeout(done, 5));
  const good: Ending = { exitCode: 0 };
  const bad: Ending = { exitCode: 1 };

  test("run as many at a time as the job's parallelism says", async () => {
    const seen = containers(() => later().then(() => good));
    const { execution, tasks } = await run("two-at-a-time", {
      taskCount: 5,
      parallelism: 2,
    });

    expect(seen.most).toBe(2);
    expect(seen.started).toEqual(["0/5 0", "1/5 0", "2/5 0", "3/5 0", "4/5 0"]);
    expect(execution).toMatchObject({
      taskCount: 5,
      parallelism: 2,
      succeededCount: 5,
      conditions: [
        { type: "Completed", state: "CONDITION_SUCCEEDED" },
        { type: "Started" },
      ],
    });
    expect(execution).not.toHaveProperty("runningCount");
    expect(tasks.map(({ index = 0 }: any) => index)).toEqual([0, 1, 2, 3, 4]);
  });

  test("run all at once where nothing is said of it", async () => {
    const seen = containers(() => later().then(() => good));
    const { execution } = await run("all-at-once", { taskCount: 4 });

    expect(seen.most).toBe(4);
    expect(execution.parallelism).toBe(4);
  });

  test("run no more at once than this machine stands, whatever the job says", async () => {
    const seen = containers(() => later().then(() => good));
    const { execution } = await run("thirty", { taskCount: 30 });

    expect(seen.most).toBe(8);
    expect(execution).toMatchObject({ parallelism: 30, succeededCount: 30 });
  });

  test("are counted while they run", async () => {
    let end: (ending: Ending) => void = () => undefined;
    containers((task) =>
      task === 0 ? good : new Promise((done) => (end = done)),
    );
    const operation = await started("counted", {
      taskCount: 3,
      parallelism: 1,
    });
    await later();

    const { name } = operation.metadata;
    expect(await cloud.get("run", name)).toMatchObject({
      runningCount: 1,
      succeededCount: 1,
      reconciling: true,
    });
    const { tasks } = await cloud.get("run", `${name}/tasks`);
    expect(tasks.map(({ conditions }: any) => conditions[0].state)).toEqual([
      "CONDITION_SUCCEEDED",
      "CONDITION_RECONCILING",
      "CONDITION_PENDING",
    ]);
    end(good);
    await later();
    end(good);
    expect((await cloud.done("run", operation)).response.succeededCount).toBe(
      3,
    );
  });

  test("are repeated each for itself", async () => {
    containers((task, attempt) => (task === 1 && attempt < 2 ? bad : good));
    const { execution, tasks } = await run(
      "repeated",
      { taskCount: 3 },
      { maxRetries: 2 },
    );

    // Of tasks, not of attempts.
    expect(execution).toMatchObject({ succeededCount: 3, retriedCount: 1 });
    expect(tasks.map(({ retried = 0 }: any) => retried)).toEqual([0, 2, 0]);
  });

  test("fails when a task has used up its retries, and lets the others end", async () => {
    const seen = containers((task) =>
      task === 0 ? bad : later().then(() => good),
    );
    const { error, execution, tasks } = await run(
      "failed",
      { taskCount: 3, parallelism: 2 },
      { maxRetries: 1 },
    );

    const said = expect.stringMatching(
      /^Task failed-\w{5}-task0 failed with message: The container exited/,
    );
    expect(error.message).toEqual(said);
    expect(seen.started).toContain("0/3 1");
    expect(execution).toMatchObject({
      failedCount: 1,
      succeededCount: 2,
      retriedCount: 1,
      conditions: [
        {
          type: "Completed",
          state: "CONDITION_FAILED",
          message: said,
          executionReason: "NON_ZERO_EXIT_CODE",
        },
        { type: "Started" },
      ],
    });
    expect(tasks[0]).toMatchObject({
      lastAttemptResult: { exitCode: 1, status: { code: 2 } },
    });
  });

  test("fails when somebody cancels it, and starts no more tasks", async () => {
    let end: (ending: Ending) => void = () => undefined;
    const seen = containers((task) =>
      task === 0 ? good : new Promise((done) => (end = done)),
    );
    const operation = await started("cancelled", {
      taskCount: 4,
      parallelism: 1,
    });
    await later();
    const { name } = operation.metadata;
    await cloud.post("run", `${name}:cancel`);
    end({ exitCode: 143, signal: 15 });
    const { error } = await cloud.done("run", operation);

    expect(error.message).toBe("Execution was cancelled.");
    expect(seen.started).toEqual(["0/4 0", "1/4 0"]);
    expect(await cloud.get("run", name)).toMatchObject({
      succeededCount: 1,
      cancelledCount: 3,
    });
  });

  test("have the fields of their template, and are listed by pages", async () => {
    containers(() => good);
    const { tasks, nextPageToken, execution } = await run(
      "many",
      { taskCount: 101 },
      { timeout: "60s" },
    );

    expect(tasks).toHaveLength(100);
    expect(tasks[0]).toMatchObject({
      timeout: "60s",
      containers: [{ image: `${IMAGE}:1` }],
    });
    const rest = await cloud.get("run", `${execution.name}/tasks`, {
      pageToken: nextPageToken,
    });
    expect(rest.tasks.map(({ index }: any) => index)).toEqual([100]);
    expect(await cloud.get("run", rest.tasks[0].name)).toEqual(rest.tasks[0]);
  });

  test("go with their execution", async () => {
    containers(() => good);
    const { execution, tasks } = await run("deleted", { taskCount: 2 });
    const [service, name] = ["run", execution.name] as const;
    const operation = await cloud.client.request<any>({
      service,
      path: name,
      method: "DELETE",
    });
    await cloud.done("run", operation);

    expect(await cloud.refusal(cloud.get("run", tasks[1].name))).toContain(
      "404",
    );
  });

  test("are processes with a folder of their own, and lines under their index", async () => {
    mkdirSync(join(folder, "rootfs"));
    writeFileSync(
      join(folder, "rootfs/main.mjs"),
      `import { existsSync, writeFileSync } from "node:fs";
       process.chdir(process.env.HOME);
       console.log(process.env.CLOUD_RUN_TASK_INDEX, existsSync("mine"));
       writeFileSync("mine", "");`,
    );
    writeFileSync(
      join(folder, "image.json"),
      JSON.stringify({
        entrypoint: [process.execPath, "main.mjs"],
        cmd: [],
        env: {},
        workdir: "/",
      }),
    );
    await run("real", { taskCount: 2, parallelism: 1 });

    const lines = cloud.server.cloud.state.logEntries.filter(
      ({ resource }) => resource.labels.job_name === "real",
    );
    expect(
      lines.map(({ textPayload, labels }) => [
        textPayload,
        labels["run.googleapis.com/task_index"],
      ]),
    ).toEqual([
      ["0 false", "0"],
      ["1 false", "1"],
    ]);
  });
});
