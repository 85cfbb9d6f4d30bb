import { readFileSync } from "node:fs";
import { join } from "node:path";
import { z } from "zod";
import { environmentSettings } from "../constructs/settings";
import { trainingSettings } from "../constructs/training-settings";
import { TUTORIAL_VARIABLES } from "../constructs/tutorial-variables";

const doc = (name: string) =>
  readFileSync(join(__dirname, "../docs", name), "utf8");
const page = doc("settings.md");

interface Schema {
  readonly properties?: Record<string, Schema>;
  readonly additionalProperties?: Schema | false;
  readonly anyOf?: readonly Schema[];
}

/** Names of all settings, the deepest part of each path. */
function names(schema: Schema): string[] {
  const nested = [
    ...(schema.anyOf ?? []),
    ...(schema.additionalProperties ? [schema.additionalProperties] : []),
  ].flatMap(names);
  const own = Object.entries(schema.properties ?? {}).flatMap(
    ([key, value]) => [key, ...names(value)],
  );
  return [...own, ...nested];
}

test("docs/settings.md names every setting", () => {
  const all = names(
    z.toJSONSchema(environmentSettings, { io: "input" }) as Schema,
  );

  expect(all).toEqual(
    expect.arrayContaining(["projectId", "targetModules", "startupSeconds"]),
  );
  expect(all.filter((name) => !new RegExp(`\\b${name}\\b`).test(page))).toEqual(
    [],
  );
});

test("docs/settings.md names every variable of the tutorial", () => {
  expect(
    TUTORIAL_VARIABLES.filter((name) => !page.includes(`\`${name}\``)),
  ).toEqual([]);
});

test("docs/hyperparameters.md names every setting of the training", () => {
  const { properties } = z.toJSONSchema(trainingSettings, {
    io: "input",
  }) as Schema;
  const ofTheJob = [
    ...["job", "image", "accelerator", "cpu", "memory"],
    ...["timeoutSeconds", "retries", "evaluationSeconds", "reportTo"],
  ];
  const table = doc("hyperparameters.md");

  expect(
    names({ properties: properties ?? {} }).filter(
      (name) => !ofTheJob.includes(name) && !table.includes(name),
    ),
  ).toEqual([]);
});

// The names at the top of the tutorial's finetune.py, and what it hands on.
const CONSTANTS = [
  ...["model_name", "dataset_name", "lora_r", "lora_alpha", "lora_dropout"],
  ...["use_4bit", "bnb_4bit_compute_dtype", "bnb_4bit_quant_type"],
  ...["use_nested_quant", "output_dir", "num_train_epochs", "fp16", "bf16"],
  ...["TRAIN_BATCH_SIZE", "EVAL_BATCH_SIZE", "GRADIENT_ACCUMULATION_STEPS"],
  ...["gradient_checkpointing", "max_grad_norm", "learning_rate"],
  ...["weight_decay", "optim", "lr_scheduler_type", "max_steps"],
  ...["warmup_ratio", "group_by_length", "save_steps", "logging_steps"],
  ...["max_seq_length", "packing", "device_map", "limit", "shuffle(seed=42)"],
  ...["template", "torch_dtype", "use_cache", "pretraining_tp"],
  ...["trust_remote_code", "pad_token", "padding_side", "bias", "task_type"],
  ...["target_modules", "low_cpu_mem_usage"],
];

test("docs/hyperparameters.md names every constant of the tutorial's script", () => {
  const table = doc("hyperparameters.md");

  expect(CONSTANTS.filter((name) => !table.includes(name))).toEqual([]);
});
