import { z } from "zod";
import { flag, integer } from "./setting-types";

const APPLIER =
  "whoever applies: user:ada@example.com or serviceAccount:ci@my-project.iam.gserviceaccount.com";

/** The check, after a deploy, that the scored model is the one that answers. */
export const answerCheckSettings = z.strictObject({
  enabled: flag.default(true),
  /** Gets `run.invoker` on the service, to be able to ask. */
  invoker: z
    .string(APPLIER)
    .regex(/^((user|serviceAccount):[^\s@]+@[^\s@]+\.[^\s@]+)$/, APPLIER)
    .optional(),
  /** Whether answers that could not be checked fail the apply. */
  required: flag.default(false),
  timeoutSeconds: integer(60, 3600, " seconds").default(900),
});

export type AnswerCheckSettings = z.infer<typeof answerCheckSettings>;
