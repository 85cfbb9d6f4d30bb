import { z } from "zod";
import { modelName } from "./resource-names";
import { servingSettings } from "./serving-settings";
import { number, revision, source, text } from "./setting-types";
import { trainingSettings } from "./training-settings";

const MUST_BEAT =
  "base (the untrained model), or the run id of a published version of this model";

/** Metrics that can decide about promotion, the strictest about SQL first. */
export const PROMOTION_METRICS = [
  "execution_match",
  "normalized_match",
  "exact_match",
  "token_f1",
] as const;

const promotion = z.strictObject({
  metric: z
    .enum(PROMOTION_METRICS, {
      error: "execution_match, normalized_match, exact_match or token_f1",
    })
    .default("execution_match"),
  /** Least mean of the metric over the held-out rows; without it none. */
  minimum: number(0, 1).optional(),
  /** What it has to be better than on the same rows, beyond chance. */
  mustBeat: z
    .string(MUST_BEAT)
    .regex(/^(base|[0-9a-f]{12})$/, MUST_BEAT)
    .optional(),
});

/** One model: what it is made of, how it is trained, served and judged. */
export const modelSettings = z.strictObject({
  /** Folder in the bucket; the model's key where it is not set. */
  name: modelName.optional(),
  base: z
    .strictObject({
      id: source.default("google/gemma-2b"),
      revision: revision.default("main"),
    })
    .prefault({}),
  dataset: z
    .strictObject({
      id: source.default("b-mc2/sql-create-context"),
      revision: revision.default("main"),
      split: text("a split such as train").default("train"),
      limit: z
        .int("-1 for all rows, or a whole number of rows")
        .refine((rows) => rows === -1 || rows > 0, {
          error: "-1 for all rows, or a whole number of rows",
        })
        .default(1000),
      columns: z
        .record(
          z.string().regex(/^[A-Za-z_]\w*$/),
          text("a column of the data set"),
          "placeholders of the templates and the columns that they stand for",
        )
        .default({
          question: "question",
          context: "context",
          answer: "answer",
        }),
      /** Templates over columns, or a chat in one column. */
      format: z
        .enum(["columns", "messages"], { error: "columns or messages" })
        .default("columns"),
      /** The column that holds a chat, with `format` messages. */
      messages: text("a column of the data set").default("messages"),
    })
    .prefault({}),
  prompt: text("a template with placeholders such as {question}").default(
    "Question: {question}\nContext: {context}\nAnswer:",
  ),
  completion: text("a template with placeholders such as {answer}").default(
    " {answer}",
  ),
  training: trainingSettings.prefault({}),
  serving: servingSettings.prefault({}),
  promotion: promotion.prefault({}),
  /** Serve this published run, and train nothing. */
  pin: z
    .string("a run id")
    .regex(/^[0-9a-f]{12}$/, "a run id: 12 hexadecimal digits")
    .optional(),
});

/** Settings of one model, complete with defaults. */
export type ModelSettings = z.infer<typeof modelSettings>;
