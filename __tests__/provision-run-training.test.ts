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

  constructor(private readonly api: GoogleApiServer) {
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

  /** Leaves the note of a run that was not good enough. */
  reject(bar: object = {}, more: object = {}): void {
    this.leave("_REJECTED", {
      format: 1,
      exit_code: 3,
      reason: "execution_match is 0.4100 on 500 held-out rows",
      run_id: RUN_ID,
      trainer: env.TRAINER,
      bar: {
        metric: "execution_match",
        minimum: 0.7,
        must_beat: null,
        ...bar,
      },
      metrics: { execution_match: 0.41, exact_match: 0.3, steps: 500 },
      adapter: `gs://models/checkpoints/gemma/${RUN_ID}/adapter`,
      ...more,
    });
  }

  /** Leaves the note of settings that cannot be trained with. */
  refuse(more: object = {}): void {
    this.leave("_REJECTED", {
      format: 1,
      exit_code: 2,
      reason: "no column 'sql'",
      run_id: RUN_ID,
      trainer: env.TRAINER,
      ...more,
    });
  }

  /** Puts an object beside the checkpoints. */
  leave(name: string, content: object = {}): void {
    this.objects.set(`checkpoints/gemma/${RUN_ID}/${name}`, content);
  }

  /** Each execution is interrupted after leaving what its turn says. */
  interrupt(...turns: readonly (readonly string[])[]): void {
    const ended = this.end;
    this.tasks = [{ lastAttemptResult: { exitCode: 75 } }];
    const published = { completionTime: "2026-01-01T01:00:00Z" };
    this.api.on(GET, () => {
      const turn = turns[this.executions.length - 1];
      turn?.forEach((name) => this.leave(name));
      if (turn === undefined) this.publish();
      Object.assign(
        this.executions[0],
        turn === undefined ? ended : { ...published, failedCount: 1 },
      );
      return { body: this.executions[0] };
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

  test("shows the message of a structured line", async () => {
    server.on(LOGS, () => ({
      body: {
        entries: [
          {
            insertId: "1",
            timestamp: new Date().toISOString(),
            jsonPayload: { message: "step 10 of 500, loss 1.2345", step: 10 },
          },
        ],
      },
    }));
    const { output } = await train();
    expect(output).toMatch(/^step 10 of 500, loss 1\.2345$/m);
    expect(output).not.toContain("jsonPayload");
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

describe("a rejection", () => {
  test("fails when the model stayed below a bar that still stands", async () => {
    cloud.reject();
    const { failure } = await train();
    expect(failure).toMatch(
      /execution_match is 0\.4100.*asked for: execution_match of at least 0\.7; measured: execution_match 0\.4100, exact_match 0\.3000\).*lower promotion\.minimum, which judges this run again without training.*adapter is kept.*0123456789ab\/adapter\. To have this very run trained again, delete gs:\/\/models\/checkpoints\/gemma\/0123456789ab$/,
    );
    expect(server.callsOf(RUN)).toHaveLength(0);
  });

  test("fails when the bar was lowered, but not far enough", async () => {
    cloud.reject();
    expect((await train({ PROMOTION_MINIMUM: "0.5" })).failure).toMatch(
      /lower promotion\.minimum/,
    );
    expect(server.callsOf(RUN)).toHaveLength(0);
  });

  test("fails when another metric is asked for that is too low as well", async () => {
    cloud.reject();
    const { failure } = await train({ PROMOTION_METRIC: "exact_match" });
    expect(failure).toMatch(/measured: .*exact_match 0\.3000/);
    expect(server.callsOf(RUN)).toHaveLength(0);
  });

  test("fails when the metric could not be measured", async () => {
    cloud.reject({}, { metrics: { execution_match: null } });
    expect((await train({ PROMOTION_MINIMUM: "0" })).failure).toMatch(
      /measured: nothing/,
    );
  });

  test("fails when the incumbent that was not beaten still stands", async () => {
    const PROMOTION_MUST_BEAT = "gs://models/gemma/aaaaaaaaaaaa";
    cloud.reject({ minimum: null, must_beat: PROMOTION_MUST_BEAT });
    const { failure } = await train({
      PROMOTION_MINIMUM: "",
      PROMOTION_MUST_BEAT,
    });
    expect(failure).toMatch(
      /asked for: better than gs:\/\/models\/gemma\/aaaaaaaaaaaa;.*change promotion\.mustBeat, which judges/,
    );
    expect(server.callsOf(RUN)).toHaveLength(0);
  });

  test("fails when the settings were refused by the same trainer", async () => {
    cloud.refuse();
    const { failure } = await train({ PROMOTION_MINIMUM: "" });
    expect(failure).toMatch(
      /no column 'sql'.*change what it names.*delete gs:\/\/models\/checkpoints\/gemma\/0123456789ab\/_REJECTED$/,
    );
  });

  test("fails when a variable that was refused is as it was", async () => {
    cloud.refuse({
      reason: "EVAL_BATCH_SIZE: received '2'",
      variables: { EVAL_BATCH_SIZE: "2", MODEL_NAME: null },
    });
    expect((await train()).failure).toMatch(/EVAL_BATCH_SIZE: received '2'/);
    expect(server.callsOf(RUN)).toHaveLength(0);
  });

  const other = "gs://models/gemma/bbbbbbbbbbbb";
  test.each<[string, () => void, NodeJS.ProcessEnv]>([
    [
      "the variable was mended",
      () => cloud.refuse({ variables: { EVAL_BATCH_SIZE: "0" } }),
      {},
    ],
    [
      "the trainer changed",
      () => cloud.refuse(),
      { TRAINER: "0000000000000000" },
    ],
    ["it cannot be read", () => cloud.refuse({ exit_code: "x" }), {}],
    ["the bar was lowered", () => cloud.reject(), { PROMOTION_MINIMUM: "0.4" }],
    ["the bar was taken away", () => cloud.reject(), { PROMOTION_MINIMUM: "" }],
    [
      "another metric is asked for, and good enough",
      () => cloud.reject(),
      { PROMOTION_METRIC: "exact_match", PROMOTION_MINIMUM: "0.3" },
    ],
    [
      "another incumbent is to be beaten",
      () => cloud.reject({ minimum: 0.4, must_beat: "base" }),
      { PROMOTION_MINIMUM: "0.4", PROMOTION_MUST_BEAT: other },
    ],
    [
      "only an incumbent is to be beaten now",
      () => cloud.reject(),
      { PROMOTION_MINIMUM: "", PROMOTION_MUST_BEAT: "base" },
    ],
  ])("no longer counts when %s", async (_name, leave, more) => {
    leave();
    expect((await train(more)).failure).toBeUndefined();
    expect(server.callsOf(RUN)).toHaveLength(1);
  });

  test("under a higher bar than now is judged again, and the deploy says so", async () => {
    cloud.reject();
    const { output } = await train({ PROMOTION_MINIMUM: "0.4" });
    expect(output).toMatch(
      /rejected under another bar: it is judged again, without training/,
    );
  });
});

describe("an interrupted execution", () => {
  test("is followed by others until the run is published", async () => {
    cloud.interrupt(
      ["step-40/_COMPLETE"],
      ["step-90/_COMPLETE", "step-95/adapter.safetensors"],
      ["_TRAINED"],
      ["_EVALUATED"],
      ["staging/manifest.json"],
    );
    const { output, failure } = await train();
    expect(failure).toBeUndefined();
    expect(server.callsOf(RUN)).toHaveLength(6);
    expect(output).toMatch(
      /execution j-1 was interrupted while training, after its checkpoint of step 40: starting another one/,
    );
    expect(output).toMatch(/j-2 was interrupted .* step 90: starting/);
    expect(output).toMatch(/j-3 was interrupted while evaluating: starting/);
    expect(output).toMatch(/j-4 was interrupted while merging: starting/);
    expect(output).toMatch(/j-5 was interrupted while publishing: starting/);
    expect(output).toMatch(/is published\n$/);
  });

  test("states how long all of it may take", async () => {
    const { output } = await train();
    expect(output).toMatch(
      /at most 1 h 0 min an attempt, 3 retries \(4 h 0 min\); one that is interrupted is followed by another as long as the training advances, 6 in all/,
    );
  });

  test("fails when it came no further than the one before", async () => {
    cloud.interrupt(["step-40/_COMPLETE"], [], []);
    const { failure } = await train();
    expect(failure).toMatch(
      /^run 0123456789ab was interrupted while training, after its checkpoint of step 40, and execution j-2 came no further than the one before\. What to do: .*training\.timeoutSeconds/,
    );
    expect(server.callsOf(RUN)).toHaveLength(2);
  });

  test("fails when it never reaches a checkpoint", async () => {
    cloud.interrupt([], []);
    expect((await train()).failure).toMatch(
      /interrupted before its first checkpoint/,
    );
    expect(server.callsOf(RUN)).toHaveLength(1);
  });

  test("that started over, since its inputs changed, is no standstill", async () => {
    cloud.leave("_TRAINED");
    cloud.interrupt(["step-40/_COMPLETE"]);
    server.on(RUN, () => {
      cloud.objects.delete(`checkpoints/gemma/${RUN_ID}/_TRAINED`);
      return { body: { name: "op", metadata: cloud.execute() } };
    });
    expect((await train()).failure).toBeUndefined();
    expect(server.callsOf(RUN)).toHaveLength(2);
  });

  test("that was attached to gets one more, wherever it started", async () => {
    cloud.leave("step-40/_COMPLETE");
    cloud.execute();
    cloud.interrupt(["step-40/_COMPLETE"]);
    expect((await train()).failure).toBeUndefined();
    expect(server.callsOf(RUN)).toHaveLength(1);
  });

  test("fails when a day of attempts was not enough", async () => {
    cloud.interrupt(
      ...Array.from({ length: 9 }, (_, turn) => [`step-${turn + 1}/_COMPLETE`]),
    );
    expect((await train()).failure).toMatch(
      /failed while training, after its checkpoint of step 6: .*exit code 75.*deploy again/,
    );
    expect(server.callsOf(RUN)).toHaveLength(6);
  });

  test("is not followed by another when somebody cancelled it", async () => {
    cloud.fail({ exitCode: 75 }, [
      {
        type: "Completed",
        state: "CONDITION_FAILED",
        executionReason: "CANCELLED",
      },
    ]);
    expect((await train()).failure).toMatch(/somebody cancelled/);
    expect(server.callsOf(RUN)).toHaveLength(1);
  });

  test("at the time limit is one too", async () => {
    cloud.fail({
      status: { code: 4, message: "The configured timeout was reached." },
    });
    server.on(RUN, ({ before }) => {
      cloud.leave(`step-${before + 1}/_COMPLETE`);
      if (before === 1) cloud.publish();
      return { body: { name: "op", metadata: cloud.execute() } };
    });
    expect((await train()).failure).toBeUndefined();
    expect(server.callsOf(RUN)).toHaveLength(2);
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
      /^run 0123456789ab failed before its first checkpoint: out of memory\. What to do: raise training\.memory.*Log: https:\/\/console\/run$/,
    );
  });

  test("fails when it is rejected, with the words of the note", async () => {
    cloud.fail({ exitCode: 3 });
    server.on(RUN, () => {
      cloud.reject();
      return { body: { name: "op", metadata: cloud.execute() } };
    });
    expect((await train()).failure).toMatch(/execution_match is 0\.4100/);
  });

  test("fails with the phase that it had come to", async () => {
    cloud.fail({ exitCode: 1 });
    cloud.leave("step-500/_COMPLETE");
    cloud.leave("_TRAINED");
    expect((await train()).failure).toMatch(
      /^run 0123456789ab failed while evaluating: the trainer ended with exit code 1/,
    );
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
  cloud.fail({ exitCode: 1 });
  const failed = await runProcess("run-training.ts", server, env);
  expect(failed.output).toMatch(
    /\nrun 0123456789ab failed before its first checkpoint: .*exit code 1\..*\n$/,
  );
  expect(failed.exitCode).toBe(1);
});
