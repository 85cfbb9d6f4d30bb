import { applySummary } from "../gates/apply-summary/apply-summary";
import { summaryMarkdown } from "../gates/apply-summary/summary-markdown";
import { summaryText } from "../gates/apply-summary/summary-text";
import type { Plan } from "../gates/resource";
import { altered, plannedChange } from "./planned-change";
import { environment, type Raw } from "./synthesize";

const TODAY = new Date("2026-11-24");
const summarize = (plan: Plan, metrics = {}) =>
  applySummary(plan, { metrics, today: TODAY });

/** A summary of the step from one model's settings to another's. */
const between = (before: Raw, after: Raw) =>
  summarize(plannedChange(environment({}, before), environment({}, after)));

const first = summarize(plannedChange(undefined, environment()));

describe("a first apply", () => {
  test("builds both images and trains the model", () => {
    expect(first.builds.map(({ context }) => context)).toEqual([
      "trainer",
      "vllm",
    ]);
    expect(first.trainings).toMatchObject([
      { model: "gemma-2b-sql-finetuned", occasion: "first", changed: [] },
    ]);
    expect(first.removals).toEqual({
      deleted: [],
      replaced: [],
      forgotten: [],
    });
  });

  test("costs at most time limit times attempts times rate", () => {
    const [training] = first.trainings;
    // One L4 with 8 vCPU and 32 GiB is $1.42092 an hour.
    expect(training?.cost.upperBound).toBeCloseTo(1 * 4 * 1.42092, 4);
    expect(training?.longestBound).toBeCloseTo(24 * 1.42092, 4);
    expect(training?.expected).toBeUndefined();
  });

  test("tells the version that will answer", () => {
    expect(first.served).toMatchObject([
      { service: "serve-gemma-sql", revision: "first" },
    ]);
    expect(first.served[0]?.version).toBe(
      `gemma-2b-sql-finetuned/${first.trainings[0]?.runId}`,
    );
  });

  test("reads as one page", () => {
    const { runId } = first.trainings[0]!;
    const lines = summaryText(first).split("\n");

    expect(lines[0]).toBe("What this apply will do");
    expect(lines).toEqual(
      expect.arrayContaining([
        "  trainer/ becomes finetune-to-gcs:aaaaaaaaaaaaaaaa",
        `  gemma-2b-sql-finetuned becomes run ${runId}`,
        "    because no run of it is in the state",
        "    costs at most $5.68: 4 x 60 min, $1.42 an hour; one that is interrupted but comes further is followed by others, $34.10 in all at most",
        `  serve-gemma-sql is created and answers with gemma-2b-sql-finetuned/${runId}`,
        "Deleted: nothing",
        "  serve-gemma-sql: $0.00 to $1,037",
        "Prices of 2026-08",
      ]),
    );
  });
});

test("an apply without changes builds, trains, deletes and replaces nothing", () => {
  const text = summaryText(between({}, {}));

  expect(text).toContain("none is built");
  expect(text).toContain("no model is trained");
  expect(text).toContain("goes on with the revision that it has");
  expect(text).toContain("Deleted: nothing");
  expect(text).toContain("Replaced: nothing");
});

// Every input of the run id, with the setting that the summary has to name.
const INPUTS: [string, Raw, Raw, string, string][] = [
  [
    "base.id",
    {},
    { base: { id: "a/b", revision: "main" } },
    "google/gemma-2b",
    "a/b",
  ],
  [
    "base.revision",
    {},
    { base: { id: "google/gemma-2b", revision: "v2" } },
    "main",
    "v2",
  ],
  [
    "dataset.id",
    {},
    { dataset: { id: "a/b" } },
    "b-mc2/sql-create-context",
    "a/b",
  ],
  ["dataset.revision", {}, { dataset: { revision: "v2" } }, "main", "v2"],
  ["dataset.split", {}, { dataset: { split: "test" } }, "train", "test"],
  ["dataset.limit", {}, { dataset: { limit: 500 } }, "1000", "500"],
  ["training.lora.r", {}, { training: { lora: { r: 16 } } }, "8", "16"],
  [
    "training.lora.alpha",
    {},
    { training: { lora: { alpha: 32 } } },
    "16",
    "32",
  ],
  [
    "training.lora.dropout",
    {},
    { training: { lora: { dropout: 0.2 } } },
    "0.1",
    "0.2",
  ],
  [
    "training.lora.targetModules",
    {},
    { training: { lora: { targetModules: "all-linear" } } },
    "q_proj,v_proj",
    "all-linear",
  ],
  [
    "training.lora.rsLora",
    {},
    { training: { lora: { rsLora: true } } },
    "false",
    "true",
  ],
  [
    "training.lora.dora",
    {},
    { training: { lora: { dora: true } } },
    "false",
    "true",
  ],
  [
    "training.learningRate",
    {},
    { training: { learningRate: 0.001 } },
    "0.0002",
    "0.001",
  ],
  [
    "training.scheduler",
    {},
    { training: { scheduler: "linear" } },
    "cosine",
    "linear",
  ],
  [
    "training.warmupRatio",
    { training: { warmupRatio: 0.1 } },
    { training: { warmupRatio: 0.2 } },
    "0.1",
    "0.2",
  ],
  [
    "training.weightDecay",
    { training: { weightDecay: 0.1 } },
    { training: { weightDecay: 0.2 } },
    "0.1",
    "0.2",
  ],
  ["training.maxGradNorm", {}, { training: { maxGradNorm: 1 } }, "0.3", "1"],
  ["training.epochs", {}, { training: { epochs: 3 } }, "1", "3"],
  ["training.maxSteps", {}, { training: { maxSteps: 50 } }, "-1", "50"],
  [
    "training.maxSeqLength",
    {},
    { training: { maxSeqLength: 256 } },
    "512",
    "256",
  ],
  ["training.seed", {}, { training: { seed: 7 } }, "42", "7"],
  [
    "training.basePrecision",
    { training: { basePrecision: "bf16" } },
    { training: { basePrecision: "nf4" } },
    "bf16",
    "nf4",
  ],
  [
    "training.evaluationRows",
    {},
    { training: { evaluationRows: 100 } },
    "500",
    "100",
  ],
  [
    "training.batchSize x training.gradientAccumulationSteps",
    {},
    { training: { batchSize: 4 } },
    "2",
    "8",
  ],
];

describe("each model trains again because", () => {
  // One stack with a model for each input: a synth for each takes far longer.
  const models = (settings: readonly Raw[]) =>
    environment({
      models: Object.fromEntries(
        settings.map(({ training, ...rest }, i) => [
          `m${i}`,
          {
            ...rest,
            training: { ...(training as Raw), job: `job-${i}` },
            serving: { service: `service-${i}` },
          },
        ]),
      ),
    });
  const { trainings } = summarize(
    plannedChange(
      models(INPUTS.map(([, before]) => before)),
      models(INPUTS.map(([, , after]) => after)),
    ),
  );

  test.each(INPUTS.map((input, i) => [...input, i] as const))(
    "%s changed, and says so alone",
    (setting, _before, _after, was, becomes, i) => {
      const training = trainings.find(({ model }) => model === `m${i}`);

      expect(training?.runIdBefore).not.toBe(training?.runId);
      expect(training?.changed).toMatchObject([
        { setting, before: was, after: becomes },
      ]);
    },
  );
});

test("what does not decide the result is no reason, also beside one that does", () => {
  const [training] = between(
    {},
    {
      training: {
        seed: 7,
        loggingSteps: 1,
        timeoutSeconds: 1800,
        evalBatchSize: 8,
        // Two documents a step, as before.
        batchSize: 2,
        gradientAccumulationSteps: 1,
      },
      promotion: { minimum: 0.1 },
    },
  ).trainings;

  expect(training?.changed.map(({ setting }) => setting)).toEqual([
    "training.seed",
  ]);
});

test("serving settings make a new revision and train nothing", () => {
  const summary = between({}, { serving: { maxNumSeqs: 4 } });

  expect(summary.trainings).toEqual([]);
  expect(summary.served).toMatchObject([{ revision: "new" }]);
});

test("a change beside the template keeps the revision", () => {
  const summary = between({}, { serving: { ingress: "internal" } });

  expect(summary.served).toMatchObject([{ revision: "same" }]);
});

test("a template that differs in what is empty keeps the revision", () => {
  const plan = plannedChange(
    environment(),
    environment({}, { serving: { ingress: "internal" } }),
  );
  const { before } = plan.resources.find(
    ({ type }) => type === "google_cloud_run_v2_service",
  )!;
  const template = {
    ...(before!["template"] as Raw),
    labels: {},
    revision: "",
  };
  const summary = summarize(
    altered(plan, "google_cloud_run_v2_service.", {
      before: { ...before, template },
    }),
  );

  expect(summary.served).toMatchObject([{ revision: "same" }]);
});

test("a plan that is not whole says so before everything else", () => {
  const plan = plannedChange(environment(), environment());
  const text = summaryText(
    summarize({ ...plan, faults: ["the plan ended with an error"] }),
  );

  expect(text.split("\n").slice(2, 4)).toEqual([
    "This is not all: the plan is not whole",
    "  the plan ended with an error",
  ]);
});

test("a pinned model is served without training, and costs no training", () => {
  const summary = between({}, { pin: "0123456789ab" });

  expect(summary.trainings).toMatchObject([
    { pinned: true, runId: "0123456789ab", expected: undefined },
  ]);
  expect(summary.trainingBound).toBe(0);
  expect(summary.served[0]).toMatchObject({
    version: "gemma-2b-sql-finetuned/0123456789ab",
    revision: "new",
  });
  expect(summaryText(summary)).toContain(
    "is pinned to run 0123456789ab: nothing is trained",
  );
});

test("without its pin the model goes back to the run of its settings", () => {
  const text = summaryText(between({ pin: "0123456789ab" }, {}));

  expect(text).toContain("it was run 0123456789ab");
  expect(text).toContain("another run was pinned before");
});

test("a failed training is tried again, and no input is blamed", () => {
  const unchanged = plannedChange(environment(), environment());
  const tainted = altered(unchanged, "_run_execution_", {
    actions: ["delete", "create"],
    actionReason: "replace_because_tainted",
  });

  expect(summarize(tainted).trainings).toMatchObject([
    { occasion: "failed before", changed: [] },
  ]);
  expect(summaryText(summarize(tainted))).toContain(
    "goes on from its checkpoints",
  );
});

test("a removed model is deleted, with its service's cost", () => {
  const two = environment({
    models: { a: {}, b: { training: { job: "b" }, serving: { service: "b" } } },
  });
  const summary = summarize(
    plannedChange(two, environment({ models: { a: {} } })),
  );

  expect(summary.removals.deleted.map(({ type }) => type).sort()).toEqual([
    "google_cloud_run_v2_job",
    "google_cloud_run_v2_service",
  ]);
  expect(summary.serving.after.ceiling).toBeCloseTo(
    (summary.serving.before.ceiling ?? 0) / 2,
  );
});

test("a replacement tells the argument that forces it", () => {
  const plan = altered(
    plannedChange(environment(), environment()),
    "google_storage_bucket.models_",
    {
      actions: ["delete", "create"],
      actionReason: "replace_because_cannot_update",
      replacePaths: [["location"]],
    },
  );

  expect(summaryText(summarize(plan))).toMatch(
    /google_storage_bucket\.models_\w+ \(my-project-codelab-finetuning-jobs\)\n.*it cannot be changed in place: location/,
  );
});

describe("the last run's metrics", () => {
  const metrics = {
    "gemma-2b-sql-finetuned": {
      train_seconds: 600,
      generation_seconds: 200,
      scoring_seconds: 40,
      base: { generation_seconds: 50, with_examples: { scoring_seconds: 10 } },
      device: "NVIDIA L4",
    },
  };
  const seed = environment({}, { training: { seed: 7 } });

  test("tell what a training probably costs", () => {
    const [training] = summarize(
      plannedChange(environment(), seed),
      metrics,
    ).trainings;

    expect(training?.last).toEqual({ seconds: 900, device: "NVIDIA L4" });
    expect(training?.expected).toBeCloseTo(1.42092 / 4, 4);
  });

  test("say nothing about another GPU", () => {
    const other = environment(
      {},
      {
        training: {
          seed: 7,
          accelerator: "nvidia-rtx-pro-6000",
          cpu: 20,
          memory: "80Gi",
        },
      },
    );
    const [training] = summarize(
      plannedChange(environment(), other),
      metrics,
    ).trainings;

    expect(training?.expected).toBeUndefined();
  });

  test.each([[null], [{}], [{ train_seconds: "600" }], [[]], ["text"]])(
    "are unknown where the file is %j",
    (broken) => {
      const plan = plannedChange(environment(), seed);
      const [training] = summarize(plan, {
        "gemma-2b-sql-finetuned": broken,
      }).trainings;

      expect(training?.expected).toBeUndefined();
    },
  );
});

describe("values of a plan", () => {
  const hostile =
    "{question} `` @team <img src=x onerror=alert(1)> [a](http://b)\n# c \u001b[31m\u202e hf_abcdefghijklmnopqrst";
  const summary = between({}, { prompt: hostile });

  test("cannot become marks, mentions or commands", () => {
    const markdown = summaryMarkdown(summary);
    const line = markdown.split("\n").find((l) => l.includes("because prompt"));

    // Three backticks around a value with two.
    expect(line).toMatch(/ -> ```.*``` *$|-> ```[^\n]*```/);
    expect(markdown).not.toContain("\n# c");
    expect(summaryText(summary)).not.toMatch(/[\u001b\u202e]/);
  });

  test("never show what looks like a secret", () => {
    for (const text of [summaryText(summary), summaryMarkdown(summary)]) {
      expect(text).not.toContain("hf_abc");
    }
  });

  test("that are long are shown where they begin to differ", () => {
    const long = "x".repeat(500);
    const text = summaryText(
      between(
        { prompt: `${long}{question} a` },
        { prompt: `${long}{question} b` },
      ),
    );

    expect(text).toMatch(/…x+\{question\} a -> …x+\{question\} b/);
  });
});

test("an input that the plan marks as sensitive is named, and not shown", () => {
  const plan = plannedChange(
    environment({}, { prompt: "old words {question}" }),
    environment({}, { prompt: "new words {question}" }),
  );
  const shown = (mask: Partial<Plan["resources"][number]>) =>
    JSON.stringify(summarize(altered(plan, "_job_", mask)).trainings);
  const template = (env: unknown) => ({
    template: { template: { containers: [{ env }] } },
  });

  expect(shown({})).toMatch(/old words.*new words/);
  for (const key of ["sensitive", "sensitiveBefore"]) {
    const text = shown({ [key]: template(true) });
    expect(text).toMatch(/"setting":"prompt","before":"\(sensitive\)"/);
    expect(text).not.toMatch(/(old|new) words/);
  }
  // One variable alone, which is not this one.
  expect(shown({ sensitive: template([{ value: true }]) })).toMatch(
    /old words.*new words/,
  );
});
