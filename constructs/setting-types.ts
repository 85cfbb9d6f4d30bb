import { z } from "zod";
import { type Accelerator, ACCELERATORS } from "./gpu-shapes";

// Each message says what is allowed: it completes "got X; allowed: ...".

export const integer = (minimum: number, maximum: number, unit = "") =>
  z
    .int(`a whole number from ${minimum} to ${maximum}${unit}`)
    .min(minimum, `a whole number from ${minimum} to ${maximum}${unit}`)
    .max(maximum, `a whole number from ${minimum} to ${maximum}${unit}`);

export const number = (minimum: number, maximum: number) =>
  z
    .number(`a number from ${minimum} to ${maximum}`)
    .min(minimum, `a number from ${minimum} to ${maximum}`)
    .max(maximum, `a number from ${minimum} to ${maximum}`);

export const text = (allowed: string) => z.string(allowed).min(1, allowed);

export const revision = z
  .string("a branch, a tag or a commit hash")
  .regex(/^[A-Za-z0-9][A-Za-z0-9._/-]*$/, "a branch, a tag or a commit hash");

export const source = text(
  "a Hugging Face id such as google/gemma-2b, a gs:// prefix or a path",
).regex(
  /^(gs:\/\/[a-z0-9][a-z0-9._-]+(\/.*)?|\.{0,2}\/.+|[A-Za-z0-9][\w.-]*(\/[\w.-]+)?)$/,
  "a Hugging Face id such as google/gemma-2b, a gs:// prefix or a path",
);

export const flag = z.boolean("true or false");

/** Keys that a GPU container of either kind has, checked against its shape. */
export const gpuContainer = {
  accelerator: z
    .enum(ACCELERATORS as [Accelerator, ...Accelerator[]], {
      error: ACCELERATORS.join(" or "),
    })
    .default("nvidia-l4"),
  cpu: integer(1, 64).default(8),
  memory: z
    .string("memory in GiB, such as 32Gi")
    .regex(/^[1-9]\d*Gi$/, "memory in GiB, such as 32Gi")
    .default("32Gi"),
};
