import { z } from "zod";

/** A variable that must be there and not empty. */
export const text = z.string().min(1);

/** A number of seconds, retries, ... */
export const wholeNumber = z
  .string()
  .regex(/^\d+$/, "a whole number")
  .transform(Number);

/** Seconds between two looks at what is going on; smaller only in tests. */
export const pollSeconds = z
  .string()
  .regex(/^\d+(\.\d+)?$/, "a number of seconds")
  .default("5")
  .transform(Number);

/** A JSON object of texts, empty where it is not set. */
export const textsByName = z
  .string()
  .default("{}")
  .transform((json, context): Record<string, string> => {
    try {
      return z.record(z.string(), z.string()).parse(JSON.parse(json));
    } catch {
      context.addIssue({ code: "custom", message: "a JSON object of texts" });
      return z.NEVER;
    }
  });

/**
 * Reads a provisioner's inputs from its environment.
 *
 * @throws one line with all that is missing or wrong.
 */
export function readInputs<Shape extends z.ZodRawShape>(
  env: NodeJS.ProcessEnv,
  shape: Shape,
): z.output<z.ZodObject<Shape>> {
  const parsed = z.object(shape).safeParse(env);
  if (parsed.success) return parsed.data;
  const problems = parsed.error.issues.map(({ path, message }) => {
    const name = String(path[0]);
    return env[name]
      ? `${name} is '${env[name]}', but must be ${message}`
      : `${name} is missing`;
  });
  throw new Error(
    `wrong environment: ${problems.join("; ")} (Terraform sets these: start this with \`npm run deploy\`)`,
  );
}
