import { spawnSync } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { pythonEnvironment } from "../commands/python-environment";
import { binds, explainRejection, readRejection } from "../provision/rejection";

// The trainer leaves the note, and both it and the provisioner read it. Were
// they to disagree, one would start what the other ends at once.
const SCRIPT = `
import json, os, sys
from finetune.settings import read_settings
from finetune.storage.location import storage_at
from finetune.verdict import BelowBar, binding_verdict, record_rejection

def settings(bar):
    metric, minimum, must_beat = bar
    os.environ["PROMOTION_METRIC"] = metric
    os.environ["PROMOTION_MINIMUM"] = "" if minimum is None else str(minimum)
    os.environ["PROMOTION_MUST_BEAT"] = must_beat or ""
    return read_settings()

found = []
for judged, asked, metrics in json.load(sys.stdin):
    before = settings(judged)
    area = storage_at(before.checkpoint_uri, None)
    record_rejection(area, before, BelowBar("too low"), metrics)
    note = json.loads(area.read("_REJECTED"))
    found.append([note, binding_verdict(area, settings(asked)) is not None])
print(json.dumps(found))
`;

type Bar = [metric: string, minimum: number | null, mustBeat: string | null];
type Metrics = Record<string, number | null>;

const TRAINER = "feed0123feed0123";
const INCUMBENT = "gs://models/gemma/aaaaaaaaaaaa";
const measured = { execution_match: 0.41, exact_match: 0.3, token_f1: null };

/** What was judged, what is asked for now, the metrics, and whether it binds. */
const cases: [string, Bar, Bar, Metrics, boolean][] = [
  [
    "the same bar",
    ["execution_match", 0.7, null],
    ["execution_match", 0.7, null],
    measured,
    true,
  ],
  [
    "a lower bar that is still too high",
    ["execution_match", 0.7, null],
    ["execution_match", 0.42, null],
    measured,
    true,
  ],
  [
    "a bar that is just reached",
    ["execution_match", 0.7, null],
    ["execution_match", 0.41, null],
    measured,
    false,
  ],
  [
    "no bar",
    ["execution_match", 0.7, null],
    ["execution_match", null, null],
    measured,
    false,
  ],
  [
    "another metric that is too low",
    ["execution_match", 0.7, null],
    ["exact_match", 0.5, null],
    measured,
    true,
  ],
  [
    "another metric that could not be measured",
    ["execution_match", 0.7, null],
    ["token_f1", 0.1, null],
    measured,
    true,
  ],
  [
    "the incumbent that was not beaten",
    ["execution_match", null, INCUMBENT],
    ["execution_match", null, INCUMBENT],
    measured,
    true,
  ],
  [
    "another incumbent",
    ["execution_match", null, INCUMBENT],
    ["execution_match", null, "base"],
    measured,
    false,
  ],
  [
    "the same incumbent under a lower minimum",
    ["execution_match", 0.7, "base"],
    ["execution_match", 0.2, "base"],
    measured,
    false,
  ],
];

const folder = mkdtempSync(join(tmpdir(), "tuneserve-rejection-"));
afterAll(() => rmSync(folder, { recursive: true }));

function trainerSays(): [Record<string, unknown>, boolean][] {
  const { stdout, stderr } = spawnSync(pythonEnvironment(), ["-c", SCRIPT], {
    cwd: join(__dirname, "../trainer"),
    env: {
      PATH: process.env.PATH,
      RUN_ID: "0123456789ab",
      OUTPUT_URI: join(folder, "version"),
      CHECKPOINT_URI: join(folder, "checkpoints"),
      RECIPE_VERSION: "1",
      TRAINER_SOURCE_HASH: TRAINER,
    },
    input: JSON.stringify(
      cases.map(([, judged, asked, metrics]) => [judged, asked, metrics]),
    ),
    encoding: "utf8",
  });
  if (stdout === "") throw new Error(stderr);
  return JSON.parse(stdout) as [Record<string, unknown>, boolean][];
}

jest.setTimeout(60_000);
const said = trainerSays();

test.each(cases.map((each, index) => [...each, index] as const))(
  "trainer and deploy agree whether a rejection binds: %s",
  (_, __, [metric, minimum, mustBeat], ___, expected, index) => {
    const [note, trainerBinds] = said[index]!;
    const rejection = readRejection(note, TRAINER)!;
    const deployBinds = binds(rejection, {
      metric,
      minimum: minimum ?? undefined,
      mustBeat: mustBeat ?? undefined,
      environment: {},
    });

    expect([trainerBinds, deployBinds]).toEqual([expected, expected]);
  },
);

test("a rejection tells what was asked for, what was measured and where the adapter is", () => {
  const [note] = said[0]!;

  expect(explainRejection(readRejection(note, TRAINER)!, "gs://c")).toBe(
    "too low (asked for: execution_match of at least 0.7; measured: execution_match 0.4100, exact_match 0.3000). " +
      "What to do: lower promotion.minimum, which judges this run again without training, or change what the model is trained with (base, dataset or training), which makes a new run. " +
      `The adapter is kept for 14 days: ${join(folder, "checkpoints")}/adapter. ` +
      "To have this very run trained again, delete gs://c",
  );
});

test("a rejection by another trainer counts no more", () => {
  const [note] = said[0]!;

  expect(readRejection(note, "0000000000000000")).toBeUndefined();
});
