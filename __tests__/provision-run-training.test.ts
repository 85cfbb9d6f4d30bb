import { runTraining } from "../provision/run-training";
import { apiError, GoogleApiServer } from "./google-api-server";
import { run, runProcess } from "./provisioner-run";

const GET_OBJECT = "storage.objects.get";
const LIST_OBJECTS = "storage.objects.list";
const GET_JOB = "run.projects.locations.jobs.get";
const RUN = "run.projects.locations.jobs.run";
const LIST = "run.projects.locations.jobs.executions.list";
const GET = "run.projects.locations.jobs.executions.get";
const TASKS = "run.projects.locations.jobs.executions.tasks.list";
const LOGS = "logging.entries.list";

const RUN_ID = "0123456789ab";
const JOB = "projects/p/locations/europe-west4/jobs/j";

// Starting Node takes seconds on a busy machine.
jest.setTimeout(30_000);

let server: GoogleApiServer;
let cloud: Cloud;
beforeEach(async () => {
  server = await GoogleApiServer.start();
  cloud = new Cloud(server);
});
afterEach(() => server.close());

const env = {
  PROJECT_ID: "p",
  REGION: "europe-west4",
  JOB_NAME: "j",
  RUN_ID,
  MODEL: "gemma",
  BUCKET_NAME: "models",
  TRAINER: "feed0123feed0123",
  PROMOTION_METRIC: "execution_match",
  PROMOTION_MINIMUM: "0.7",
  ACCELERATOR: "nvidia-l4",
  TASK_TIMEOUT_SECONDS: "3600",
  MAX_RETRIES: "3",
  PINNED: "no",
};
const train = (more: NodeJS.ProcessEnv = {}) =>
  run(runTraining, server, { ...env, ...more });

/** A bucket and a job whose executions publish, unless told otherwise. */
class Cloud {
  readonly objects = new Map<string, unknown>();
  readonly executions: any[] = [];
  label = RUN_ID;
  environment = [
    { name: "EVAL_BATCH_SIZE", value: "2" },
    { name: "HF_TOKEN", valueSource: { secretKeyRef: { secret: "t" } } },
  ];
  publishes = true;
  log: string[] = [];

  /** What an execution turns into once it was looked at. */
  end: Record<string, unknown> = {
    completionTime: "2026-01-01T00:10:00Z",
    succeededCount: 1,
    conditions: [{ type: "Completed", state: "CONDITION_SUCCEEDED" }],
  };
  tasks: object[] = [];

  constructor(api: GoogleApiServer) {
    api
      .on(GET_OBJECT, ({ variables, query }) => {
        const found = this.objects.get(variables[1] ?? "");
        if (found === undefined) return apiError(404, "No such object");
        return {
          body:
            query.get("alt") === "media" ? (found as object) : { name: "x" },
        };
      })
      .on(LIST_OBJECTS, ({ query }) => ({
        body: {
          items: [...this.objects.keys()]
            .filter((name) => name.startsWith(query.get("prefix") ?? ""))
            .map((name) => ({ name })),
        },
      }))
      .on(GET_JOB, () => ({
        body: {
          name: JOB,
          template: {
            labels: { "run-id": this.label },
            template: { containers: [{ env: this.environment }] },
          },
        },
      }))
      .on(LIST, () => ({ body: { executions: this.executions } }))
      .on(RUN, () => ({
        body: { name: "op", metadata: this.execute() },
      }))
      .on(GET, ({ variables }) => {
        const found = this.executions.find(({ name }) =>
          name.endsWith(`/${variables[3]}`),
        );
        Object.assign(found, this.end);
        if (found.succeededCount && this.publishes) this.publish();
        return { body: found };
      })
      .on(TASKS, () => ({ body: { tasks: this.tasks } }))
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

  execute(runId = RUN_ID): object {
    const execution = {
      name: `${JOB}/executions/j-${this.executions.length + 1}`,
      labels: { "run-id": runId },
      createTime: new Date().toISOString(),
      logUri: "https://console/run",
      conditions: [{ type: "Completed", state: "CONDITION_RECONCILING" }],
    };
    this.executions.unshift(execution);
    return { "@type": "type.googleapis.com/x", ...execution };
  }

  publish(runId = RUN_ID): void {
    this.objects.set(`gemma/${runId}/_SUCCESS`, {});
  }

  fail(attempt: object, conditions: object[] = []): void {
    this.end = {
      completionTime: "2026-01-01T00:10:00Z",
      failedCount: 1,
      conditions,
    };
    this.tasks = [{ lastAttemptResult: attempt }];
  }

  judge(verdict: object): void {
    this.objects.set(`checkpoints/gemma/${RUN_ID}/verdict.json`, {
      format: 1,
      exit_code: 3,
      reason: "execution_match is 0.4100 on 100 held-out rows",
      run_id: RUN_ID,
      trainer: env.TRAINER,
      metric: "execution_match",
      value: 0.41,
      minimum: 0.7,
      ...verdict,
    });
  }
}

describe("a run", () => {
  test("that is published takes no GPU", async () => {
    cloud.publish();
    const { output, failure } = await train();
    expect(failure).toBeUndefined();
    expect(output).toBe(
      `gs://models/gemma/${RUN_ID} is published: nothing to train\n`,
    );
    expect(server.calls.map(({ id }) => id)).toEqual([GET_OBJECT]);
  });

  test("that is new is executed without overrides, its log streamed once", async () => {
    cloud.log = ["loss 1.2", "loss 0.8"];
    const { output, failure } = await train();
    expect(failure).toBeUndefined();
    expect(server.callsOf(RUN).map(({ body }) => body)).toEqual([{}]);
    expect(output).toMatch(/started execution j-1 of j on nvidia-l4/);
    expect(output).toMatch(/may be interrupted.*attaches/);
    expect(output.match(/loss 0\.8/g)).toHaveLength(1);
    expect(output).toMatch(/gemma\/0123456789ab is published\n$/);
    expect(server.callsOf(LOGS)[0]?.body.filter).toContain(
      'labels."run.googleapis.com/execution_name"="j-1"',
    );
  });

  test("that is training already is attached to", async () => {
    cloud.execute("ffffffffffff");
    cloud.execute();
    const { output, failure } = await train();
    expect(failure).toBeUndefined();
    expect(output).toMatch(/attaching to execution j-2/);
    expect(server.callsOf(RUN)).toHaveLength(0);
  });

  test("whose earlier execution failed is executed again", async () => {
    cloud.execute();
    Object.assign(cloud.executions[0], {
      completionTime: "2026-01-01T00:00:00Z",
    });
    expect((await train()).failure).toBeUndefined();
    expect(server.callsOf(RUN)).toHaveLength(1);
  });

  test("says what it waits for, and how often it was retried", async () => {
    const looks = [
      {
        conditions: [
          {
            type: "Started",
            state: "CONDITION_PENDING",
            message: "Waiting for a GPU",
          },
        ],
      },
      { runningCount: 1, retriedCount: 2 },
      cloud.end,
    ];
    server.on(GET, ({ before }) => {
      Object.assign(cloud.executions[0], looks[before]);
      if (before === 2) cloud.publish();
      return { body: cloud.executions[0] };
    });
    const { output } = await train();
    expect(output).toMatch(/j: pending: Waiting for a GPU, \d+ s/);
    expect(output).toMatch(/j: running, retried 2, \d+ s/);
  });
});

describe("the start", () => {
  test("waits for a job and a right that are only just made", async () => {
    server.on(LIST, ({ before }) =>
      before === 0
        ? apiError(403, "Permission denied")
        : { body: { executions: cloud.executions } },
    );
    server.on(RUN, ({ before }) =>
      before === 0
        ? apiError(404, "Requested entity was not found.")
        : { body: { name: "op", metadata: cloud.execute() } },
    );
    expect((await train()).failure).toBeUndefined();
  });

  test("never executes twice when the answer gets lost", async () => {
    server.on(RUN, () => {
      cloud.execute();
      return { lost: true };
    });
    const { output, failure } = await train();
    expect(failure).toBeUndefined();
    expect(output).toMatch(/looking whether it started/);
    expect(server.callsOf(RUN)).toHaveLength(1);
    expect(cloud.executions).toHaveLength(1);
  });

  test("takes no older execution for the one whose answer got lost", async () => {
    cloud.execute();
    Object.assign(cloud.executions[0], {
      completionTime: "2026-01-01T00:00:00Z",
    });
    server.on(RUN, ({ before }) =>
      before === 0
        ? { lost: true }
        : { body: { name: "op", metadata: cloud.execute() } },
    );
    expect((await train()).failure).toBeUndefined();
    expect(server.callsOf(RUN)).toHaveLength(2);
  });

  test("fails when the job is set up for another run", async () => {
    cloud.label = "ffffffffffff";
    const { failure } = await train();
    expect(failure).toMatch(/set up for run ffffffffffff.*deploy again/);
    expect(server.callsOf(RUN)).toHaveLength(0);
  });

  test("fails when Cloud Run refuses for want of quota, naming it", async () => {
    server.on(RUN, () =>
      apiError(
        400,
        "Quota violated: NvidiaL4GpuAllocNoZonalRedundancyPerProjectRegion requested: 1 allowed: 0",
      ),
    );
    expect((await train()).failure).toMatch(
      /could not be started: no quota: NvidiaL4GpuAllocNoZonalRedundancyPerProjectRegion in europe-west4/,
    );
  });

  test("fails when the caller may not execute the job", async () => {
    server.on(RUN, () =>
      apiError(400, "Permission 'run.jobs.run' denied on resource j"),
    );
    expect((await train()).failure).toMatch(/roles\/run\.developer/);
  });

  test("fails when a fixed access token has expired, with what to export", async () => {
    server.on(GET, () => apiError(401, "invalid"));
    expect((await train()).failure).toMatch(
      /GOOGLE_OAUTH_ACCESS_TOKEN.*next deploy attaches/,
    );
  });
});

describe("a verdict", () => {
  test("fails when the model stayed below a bar that still stands", async () => {
    cloud.judge({});
    const { failure } = await train();
    expect(failure).toMatch(
      /execution_match is 0\.4100.*promotion\.minimum.*delete gs:\/\/models\/checkpoints\/gemma\/0123456789ab\/verdict\.json$/,
    );
    expect(server.callsOf(RUN)).toHaveLength(0);
  });

  test("fails when the settings were refused by the same trainer", async () => {
    cloud.judge({
      exit_code: 2,
      reason: "no column 'sql'",
      value: null,
      metric: null,
    });
    const { failure } = await train({ PROMOTION_MINIMUM: "" });
    expect(failure).toMatch(/no column 'sql'.*change what it names/);
  });

  test("fails when a variable that was refused is as it was", async () => {
    cloud.judge({
      exit_code: 2,
      reason: "EVAL_BATCH_SIZE: received '2'",
      variables: { EVAL_BATCH_SIZE: "2", MODEL_NAME: null },
    });
    expect((await train()).failure).toMatch(/EVAL_BATCH_SIZE: received '2'/);
    expect(server.callsOf(RUN)).toHaveLength(0);
  });

  test.each([
    [
      "the variable was mended",
      { exit_code: 2, variables: { EVAL_BATCH_SIZE: "0" } },
      {},
    ],
    ["the bar was lowered", {}, { PROMOTION_MINIMUM: "0.4" }],
    ["the bar was taken away", {}, { PROMOTION_MINIMUM: "" }],
    ["another metric is asked for", {}, { PROMOTION_METRIC: "exact_match" }],
    ["the trainer changed", { exit_code: 2 }, { TRAINER: "0000000000000000" }],
    ["it cannot be read", { exit_code: "x" }, {}],
  ])("no longer counts when %s", async (_name, verdict, more) => {
    cloud.judge(verdict);
    expect((await train(more)).failure).toBeUndefined();
    expect(server.callsOf(RUN)).toHaveLength(1);
  });
});

test("fails when the pinned run is not published, listing those that are", async () => {
  cloud.publish("aaaaaaaaaaaa");
  cloud.publish("bbbbbbbbbbbb");
  const { failure } = await train({ PINNED: "yes" });
  expect(failure).toMatch(
    /pinned to run 0123456789ab.*aaaaaaaaaaaa, bbbbbbbbbbbb/,
  );
  expect(server.callsOf(RUN)).toHaveLength(0);
});

describe("an execution", () => {
  test("fails when it succeeds without publishing", async () => {
    cloud.publishes = false;
    expect((await train()).failure).toMatch(/succeeded, but published nothing/);
  });

  test("counts as done when it failed after publishing", async () => {
    cloud.fail({ exitCode: 1 });
    server.on(TASKS, () => ({ body: {} }));
    server.on(RUN, () => {
      cloud.publish();
      return { body: { name: "op", metadata: cloud.execute() } };
    });
    expect((await train()).failure).toBeUndefined();
  });

  test("fails when it runs out of memory, with 15 lines and what to do", async () => {
    cloud.log = Array.from({ length: 30 }, (_, index) => `step ${index}.`);
    cloud.fail({
      status: { code: 8, message: "The configured memory limit was reached." },
    });
    const { output, failure } = await train();
    const tail = output.slice(output.lastIndexOf("last lines of the log"));
    expect(tail.match(/step \d+\./g)).toHaveLength(15);
    expect(failure).toMatch(
      /^run 0123456789ab failed: out of memory\. What to do: raise training\.memory.*Log: https:\/\/console\/run$/,
    );
  });

  test("fails when it leaves a verdict, with the verdict's words", async () => {
    cloud.fail({ exitCode: 3 });
    server.on(RUN, () => {
      cloud.judge({});
      return { body: { name: "op", metadata: cloud.execute() } };
    });
    expect((await train()).failure).toMatch(/execution_match is 0\.4100/);
  });

  test("fails when somebody deletes it", async () => {
    server.on(GET, () => apiError(404, "not found"));
    expect((await train()).failure).toMatch(/somebody deleted.*deploy again/);
  });

  test("fails when somebody cancels it", async () => {
    cloud.fail({}, [
      {
        type: "Completed",
        state: "CONDITION_FAILED",
        executionReason: "CANCELLED",
      },
    ]);
    expect((await train()).failure).toMatch(/somebody cancelled/);
  });
});

test("fails when inputs are missing, naming all of them", async () => {
  const { failure } = await train({ JOB_NAME: "", PINNED: "maybe" });
  expect(failure).toMatch(
    /JOB_NAME is missing; PINNED is 'maybe', but must be yes or no/,
  );
});

test("runs as a process, and ends in 1 with one line when it fails", async () => {
  cloud.fail({ exitCode: 75 });
  const failed = await runProcess("run-training.ts", server, env);
  expect(failed.output).toMatch(
    /\nrun 0123456789ab failed: .*exit code 75.*\n$/,
  );
  expect(failed.exitCode).toBe(1);
});
