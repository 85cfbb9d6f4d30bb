/** What the trainer says of a step, in one line of JSON (trainer/finetune/training/progress.py). */
export interface Step {
  readonly message: string;
  readonly step: number;
  readonly steps: number;
  /** Nats per token; null when it is no number any more. */
  readonly loss: number | null;
  readonly secondsLeft: number;
}

/**
 * A line as Cloud Logging shows it: of a JSON object its `message` (Terraform's: `@message`), and any
 * other line as it is.
 */
export function readable(line: string): string {
  const { message, "@message": terraform } = entry(line) ?? {};
  if (typeof terraform === "string") {
    return terraform;
  }
  return typeof message === "string" ? message : line;
}

/** The last step that a log tells of, if any. */
export function lastStep(log: string): Step | undefined {
  for (const line of log.split("\n").reverse()) {
    const { message, step, steps, loss, seconds_left } = entry(line) ?? {};
    if (typeof step === "number" && typeof steps === "number") {
      return {
        message: String(message),
        step,
        steps,
        loss: typeof loss === "number" ? loss : null,
        secondsLeft: Number(seconds_left),
      };
    }
  }
  return undefined;
}

/** The part of an output that fits, or else its last line. */
export function lineOf(output: string, pattern: RegExp): string {
  return pattern.exec(output)?.[0] ?? output.trimEnd().split("\n").at(-1)!;
}

/** The JSON object that a line is, if it is one. */
export function entry(line: string): Record<string, unknown> | undefined {
  if (!line.startsWith("{")) {
    return undefined;
  }
  try {
    return JSON.parse(line);
  } catch {
    // The process is in the midst of writing it.
    return undefined;
  }
}
