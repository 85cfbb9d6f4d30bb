import { spawnSync } from "node:child_process";
import { resolve } from "node:path";
import { lastStep, readable } from "../rehearsal/log-line";
import { trainingState } from "../rehearsal/run-container";

const STEP = JSON.stringify({
  message: "step 30 of 120, loss 0.4321, 150 tokens/s, 1 min 30 s left",
  severity: "INFO",
  step: 30,
  steps: 120,
  loss: 0.4321,
  seconds_left: 90.4,
});

describe("a line of the trainer's log", () => {
  test("is shown as its message", () => {
    expect(readable(STEP)).toBe(
      "step 30 of 120, loss 0.4321, 150 tokens/s, 1 min 30 s left",
    );
  });

  test.each(["plain text", '{"half": ', '{"message": 3}', "{}", "[1]", ""])(
    "is shown as it is when it is no entry with a message: %s",
    (line) => {
      expect(readable(line)).toBe(line);
    },
  );
});

describe("the progress of a training", () => {
  test("is that of its last step, whatever else was printed since", () => {
    const validation = JSON.stringify({
      message: "validation loss 0.5000 after step 30",
      step: 30,
      validation_loss: 0.5,
    });
    const log = `1400 rows\n${STEP}\n${validation}\n{"message": "step 32`;
    expect(lastStep(log)?.step).toBe(30);
    expect(trainingState(log, 60)).toEqual({
      share: 0.225,
      text: "step 30/120, loss 0.4321, 90 s left",
    });
  });

  test("is loading before the first step", () => {
    expect(trainingState("1400 rows\n", 12)).toEqual({
      share: 0,
      text: "loading, 12 s",
    });
  });

  test("fails visibly when the loss is no number any more", () => {
    const broken = STEP.replace('"loss":0.4321', '"loss":null');
    expect(trainingState(broken, 60).text).toContain("loss NaN");
  });

  test("is scoring and publishing after the last step", () => {
    const last = STEP.replace('"step":30', '"step":120');
    expect(trainingState(last, 60)).toEqual({
      share: 0.9,
      text: "scoring, merging, publishing",
    });
  });

  test("understands what the trainer really prints", () => {
    const code =
      "from types import SimpleNamespace\n" +
      "from finetune.training.progress import Observer\n" +
      "Observer(SimpleNamespace(price_per_hour=1.0)).step(" +
      "1, 4, 1.5, 1e-4, tokens=100, seconds=2.0)";
    const { stdout } = spawnSync("python3", ["-c", code], {
      cwd: resolve(__dirname, "../trainer"),
      encoding: "utf8",
    });
    expect(trainingState(stdout, 5)).toEqual({
      share: 0.225,
      text: "step 1/4, loss 1.5000, 6 s left",
    });
  });
});
