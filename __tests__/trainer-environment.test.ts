import { spawn } from "node:child_process";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { pythonEnvironment } from "../commands/python-environment";
import { environment, only, type Raw, synthesize } from "./synthesize";

// The job's environment, read by the trainer's own settings: two languages,
// one contract.
const SCRIPT = `
import json, os, sys
from finetune.settings import Settings, SettingsError, read_settings
for line in sys.stdin:
    os.environ.clear()
    os.environ.update(json.loads(line))
    try:
        settings = read_settings()
        values = settings.model_dump(mode="json")
        values["documents_per_step"] = settings.documents_per_step
        said = {"values": values, "known": sorted(Settings.model_fields)}
    except SettingsError as error:
        said = {"error": str(error)}
    print(json.dumps(said), flush=True)
`;

jest.setTimeout(60_000);

/** Environment of the job's container, with a bucket as after an apply. */
function jobEnvironment(model: Raw = {}, changes: Raw = {}) {
  const job = only(
    synthesize(environment(changes, model)),
    "google_cloud_run_v2_job",
  );
  const { env } = job.template.template.containers[0];
  return Object.fromEntries(
    env
      .filter(({ value }: { value?: string }) => value !== undefined)
      .map(({ name, value }: { name: string; value: string }) => [
        name,
        value.replace(/\$\{google_storage_bucket\.[^}]*\}/, "models"),
      ]),
  ) as Record<string, string>;
}

// One process for all environments: importing the trainer takes a second.
const trainer = spawn(pythonEnvironment(), ["-c", SCRIPT], {
  cwd: join(__dirname, "../trainer"),
  stdio: ["pipe", "pipe", "inherit"],
});
const answers = createInterface(trainer.stdout)[Symbol.asyncIterator]();
afterAll(() => trainer.stdin.end());

async function trainerReads(variables: Record<string, string>) {
  trainer.stdin.write(`${JSON.stringify(variables)}\n`);
  const { value } = await answers.next();
  if (value === undefined) throw new Error("the trainer's settings ended");
  return JSON.parse(value) as {
    values: Raw;
    known: string[];
    error?: string;
  };
}

test("the trainer reads the default job's environment, and the tutorial's values in it", async () => {
  const variables = jobEnvironment();
  const { values, known, error } = await trainerReads(variables);

  expect(error).toBeUndefined();
  expect(values).toMatchObject({
    model_name: "google/gemma-2b",
    dataset_limit: 1000,
    lora_r: 8,
    lora_target_modules: ["q_proj", "v_proj"],
    start_adapter: null,
    documents_per_step: 2,
    base_precision: "auto",
    evaluation_rows: 500,
    evaluation_seconds: 900,
    promotion_minimum: null,
    promotion_must_beat: null,
    checkpoint_minutes: 5,
    task_timeout_seconds: 3600,
    price_per_hour: 1.4209,
    report_to: "none",
  });
  const unread = Object.keys(variables).filter(
    (name) => !known.includes(name.toLowerCase()),
  );
  // The tutorial's, for whoever looks at the job.
  expect(unread.sort()).toEqual(["BUCKET_NAME", "REGION"]);
});

test("the trainer is told every one of its settings", async () => {
  const variables = jobEnvironment();
  const { known } = await trainerReads(variables);

  // What BASE_PRECISION says for both of them.
  expect(known.filter((name) => !(name.toUpperCase() in variables))).toEqual([
    "load_in_4bit",
  ]);
});

test("the trainer reads what is unusual", async () => {
  const { values, error } = await trainerReads(
    jobEnvironment(
      {
        prompt: 'Say "{question}"\n\n',
        training: {
          lora: { rsLora: true, dora: true, targetModules: "all-linear" },
          startFrom: "0123456789ab",
          loadIn4bit: false,
          batchSize: 4,
          learningRate: 1e-7,
          weightDecay: 0,
          warmupRatio: 0,
          evaluationRows: 20,
          checkpointMinutes: 0.5,
        },
        promotion: {
          metric: "normalized_match",
          minimum: 0.625,
          mustBeat: "ba9876543210",
        },
      },
      { region: "asia-southeast1" },
    ),
  );

  expect(error).toBeUndefined();
  expect(values).toMatchObject({
    prompt_template: 'Say "{question}"\n\n',
    use_rslora: true,
    use_dora: true,
    lora_target_modules: "all-linear",
    start_adapter: "gs://models/gemma-2b-sql-finetuned/0123456789ab/adapter",
    base_precision: "bf16",
    documents_per_step: 8,
    learning_rate: 1e-7,
    checkpoint_minutes: 0.5,
    promotion_metric: "normalized_match",
    promotion_minimum: 0.625,
    promotion_must_beat: "gs://models/gemma-2b-sql-finetuned/ba9876543210",
    price_per_hour: null,
  });
});

test("the trainer reads chats", async () => {
  const { values, error } = await trainerReads(
    jobEnvironment({
      dataset: { format: "messages", messages: "turns" },
      promotion: { metric: "token_f1", minimum: 0.5 },
    }),
  );

  expect(error).toBeUndefined();
  expect(values).toMatchObject({
    dataset_format: "messages",
    dataset_messages: "turns",
    promotion_metric: "token_f1",
  });
});
