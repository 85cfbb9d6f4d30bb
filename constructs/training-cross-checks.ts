import { scoringShare } from "./scoring-time";
import type { Path, Raw, Report } from "./settings-problem";

/** The trainer checkpoints and stops this long before an attempt's limit. */
const STOP_SECONDS = 90;

/** Seconds of an attempt beside what the settings ask of it: start, loading. */
const START_SECONDS = 90;

/**
 * Rules over training and promotion that the trainer would find out about after
 * the images are built, on a GPU.
 */
export function checkTraining(
  path: Path,
  training: Raw,
  promotion: Raw,
  report: Report,
): void {
  checkPrecision([...path, "training"], training, report);
  const { minimum, mustBeat } = promotion;
  checkTimes([...path, "training"], training, scoringShare(mustBeat), report);
  if (training.evaluationRows === 0) {
    for (const [key, value] of Object.entries({ minimum, mustBeat })) {
      if (value === undefined) continue;
      report(
        [...path, "promotion", key],
        value,
        "not set, or training.evaluationRows above 0: nothing is measured with 0 held-out rows",
      );
    }
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

function checkTimes(
  path: Path,
  training: Raw,
  share: number,
  report: Report,
): void {
  const { timeoutSeconds, checkpointMinutes, evaluationSeconds } = training;
  if (typeof timeoutSeconds !== "number") return;
  const left = timeoutSeconds - STOP_SECONDS - START_SECONDS;
  const margin = `timeoutSeconds ${timeoutSeconds} less ${STOP_SECONDS} for stopping in time and ${START_SECONDS} for loading`;
  const most = Math.floor(left / share);
  if (
    training.evaluationRows !== 0 &&
    typeof evaluationSeconds === "number" &&
    evaluationSeconds > most
  ) {
    report(
      [...path, "evaluationSeconds"],
      evaluationSeconds,
      `at most ${most}: scoring, which with its comparisons takes ${share} times as long, has to fit into one attempt (${margin})`,
    );
  }
  if (typeof checkpointMinutes === "number" && checkpointMinutes * 60 > left) {
    report(
      [...path, "checkpointMinutes"],
      checkpointMinutes,
      `at most ${Math.floor(left / 60)}: an attempt has to leave a checkpoint (${margin})`,
    );
  }
}
