import { setTimeout as sleep } from "node:timers/promises";
import { chosenSteps } from "../commands/test";
import { type Running, sideBySide } from "../commands/test/side-by-side";
import { STEPS } from "../commands/test/step";

test("npm test checks types and format before it runs tests", () => {
  expect(STEPS.map(({ name }) => name)).toEqual([
    "tsc",
    "prettier",
    "jest",
    "ruff check",
    "ruff format --check",
    "pytest trainer",
    "pytest vllm",
    "pytest rehearsal",
  ]);
});

test("--only takes a step by its name or its first word", () => {
  const names = (only: string) => chosenSteps(only).map(({ name }) => name);
  expect(names("jest")).toEqual(["jest"]);
  expect(names("pytest vllm")).toEqual(["pytest vllm"]);
  expect(names("ruff")).toEqual(["ruff check", "ruff format --check"]);
});

test("fails when --only names no step", () => {
  expect(() => chosenSteps("jst")).toThrow(
    '--only got "jst"; allowed: tsc, prettier, jest',
  );
});

describe("steps side by side", () => {
  /** A made-up step, which ends by itself or by a signal. */
  const made = (name: string, ms: number, code = 0) => ({ name, ms, code });
  let said: string[];
  let stopped: string[];
  let most: number;

  async function run(...steps: ReturnType<typeof made>[]) {
    said = [];
    stopped = [];
    most = 0;
    let now = 0;
    const start = ({ name, ms, code }: ReturnType<typeof made>): Running => {
      const stop = new AbortController();
      most = Math.max(most, (now += 1));
      return {
        name,
        ended: sleep(ms, code, { signal: stop.signal })
          .catch(() => 143)
          .finally(() => (now -= 1)),
        stop: () => {
          stopped.push(name);
          stop.abort();
        },
        takeOutput: () => `output of ${name}`,
      };
    };
    return sideBySide({ steps, lanes: 2, start, say: (t) => said.push(t) });
  }

  test("run two at a time, and each is printed whole", async () => {
    const failure = await run(made("a", 80), made("b", 20), made("c", 20));

    expect(failure).toBeUndefined();
    expect(most).toBe(2);
    expect(said.map((text) => text.trim().split(":")[0])).toEqual([
      ...["== a ...", "== b ...", "output of b", "== b"],
      ...["== c ...", "output of c", "== c", "output of a", "== a"],
    ]);
  });

  test("all stop when one fails, and only its output is shown", async () => {
    const failure = await run(
      made("long", 5000),
      made("bad", 20, 3),
      made("never", 20),
    );

    expect(failure).toMatchObject({ name: "bad", code: 3 });
    expect(stopped).toEqual(["long"]);
    expect(said).toEqual(["== long ...", "== bad ...", "\noutput of bad"]);
  });
});
