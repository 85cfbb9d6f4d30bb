import type { Report } from "./settings-cross-checks";

type Path = (string | number)[];
type Raw = Record<string, unknown>;

/** The trainer checkpoints and stops this long before an attempt's limit. */
const STOP_SECONDS = 90;

/** Seconds of an attempt beside what the settings ask of it: start, loading. */
const START_SECONDS = 90;

/**
 * Rules over training, data set and promotion that the trainer would find out
 * about after the images are built, on a GPU.
 */
export function checkTraining(
  path: Path,
  training: Raw,
  dataset: Raw,
  promotion: Raw,
  report: Report,
): void {
  checkPrecision([...path, "training"], training, report);
  checkTimes([...path, "training"], training, report);
  const { metric, minimum, mustBeat } = promotion;
  const bar = Object.entries({ minimum, mustBeat }).filter(
    ([, value]) => value !== undefined,
  );
  if (training.evaluationRows === 0) {
    for (const [key, value] of bar) {
      report(
        [...path, "promotion", key],
        value,
        "not set, or training.evaluationRows above 0: nothing is measured with 0 held-out rows",
      );
    }
  }
  if (
    dataset.format === "messages" &&
    bar.length > 0 &&
    (metric === "execution_match" || metric === "normalized_match")
  ) {
    report(
      [...path, "promotion", "metric"],
      metric,
      "exact_match or token_f1 with dataset.format messages, whose answers have no tables to be run on",
    );
  }
}

function checkPrecision(path: Path, training: Raw, report: Report): void {
  const { basePrecision, loadIn4bit } = training;
  const allowed: Record<string, readonly unknown[]> = {
    true: ["auto", "nf4"],
    false: ["auto", "bf16", "fp8"],
  };
  const fitting = allowed[String(loadIn4bit)];
  if (fitting !== undefined && !fitting.includes(basePrecision)) {
    report(
      [...path, "basePrecision"],
      basePrecision,
      `${fitting.join(" or ")} beside loadIn4bit ${String(loadIn4bit)}; leave loadIn4bit out, which basePrecision replaces`,
    );
  }
}

function checkTimes(path: Path, training: Raw, report: Report): void {
  const { timeoutSeconds, checkpointMinutes, evaluationSeconds } = training;
  if (typeof timeoutSeconds !== "number") return;
  const most = timeoutSeconds - STOP_SECONDS - START_SECONDS;
  const margin = `timeoutSeconds ${timeoutSeconds} less ${STOP_SECONDS} for stopping in time and ${START_SECONDS} for loading`;
  if (typeof evaluationSeconds === "number" && evaluationSeconds > most) {
    report(
      [...path, "evaluationSeconds"],
      evaluationSeconds,
      `at most ${most}: scoring has to fit into one attempt (${margin})`,
    );
  }
  if (typeof checkpointMinutes === "number" && checkpointMinutes * 60 > most) {
    report(
      [...path, "checkpointMinutes"],
      checkpointMinutes,
      `at most ${Math.floor(most / 60)}: an attempt has to leave a checkpoint (${margin})`,
    );
  }
}
