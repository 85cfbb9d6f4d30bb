import { readdirSync } from "node:fs";
import { join } from "node:path";
import { setImmediate } from "node:timers/promises";
import { chosenSteps } from "../commands/test";
import { type Running, sideBySide } from "../commands/test/side-by-side";
import { STEPS } from "../commands/test/step";

test("npm test checks types and format before it runs tests", () => {
  expect(STEPS.map(({ name }) => name)).toEqual([
    "tsc",
    "biome format",
    "jest",
    "ruff check",
    "ruff format --check",
    "pytest trainer a-k",
    "pytest trainer l-z",
    "pytest vllm",
    "pytest rehearsal",
  ]);
});

test("each test file of the trainer is in one of its halves", () => {
  const ignored = STEPS.filter(({ folder }) => folder === "trainer").map(
    ({ command }) =>
      new RegExp(
        /^--ignore-glob=tests\/(test_\[.-.\])\*$/.exec(command.at(-1)!)![1]!,
      ),
  );
  expect(ignored).toHaveLength(2);

  const files = readdirSync(join(__dirname, "../trainer/tests")).filter(
    (name) => /^test_.*\.py$/.test(name),
  );
  expect(
    files.filter(
      (file) => ignored.filter((half) => half.test(file)).length !== 1,
    ),
  ).toEqual([]);
});

test("--only takes a step by its name or its first word", () => {
  const names = (only: string) => chosenSteps(only).map(({ name }) => name);
  expect(names("jest")).toEqual(["jest"]);
  expect(names("pytest vllm")).toEqual(["pytest vllm"]);
  expect(names("ruff")).toEqual(["ruff check", "ruff format --check"]);
});

test("fails when --only names no step", () => {
  expect(() => chosenSteps("jst")).toThrow(
    '--only got "jst"; allowed: tsc, biome format, jest',
  );
});

describe("steps side by side", () => {
  /** A made-up step, which ends once something was said, or by a signal. */
  const made = (name: string, after = `== ${name}`, code = 0) => ({
    name,
    after,
    code,
  });
  let said: string[];
  let stopped: string[];
  let most: number;

  async function run(...steps: ReturnType<typeof made>[]) {
    said = [];
    stopped = [];
    most = 0;
    let now = 0;
    const start = (step: ReturnType<typeof made>): Running => {
      const { name, after, code } = step;
      most = Math.max(most, (now += 1));
      const work = async () => {
        while (!said.some((text) => text.startsWith(after))) {
          await setImmediate();
          if (stopped.includes(name)) return 143;
        }
        return code;
      };
      return {
        name,
        ended: work().finally(() => (now -= 1)),
        stop: () => stopped.push(name),
        takeOutput: () => `output of ${name}`,
      };
    };
    return sideBySide({ steps, lanes: 2, start, say: (t) => said.push(t) });
  }

  test("run two at a time, and each is printed whole", async () => {
    const failure = await run(made("a", "== c:"), made("b"), made("c"));

    expect(failure).toBeUndefined();
    expect(most).toBe(2);
    expect(said.map((text) => text.trim().split(":")[0])).toEqual([
      ...["== a ...", "== b ...", "output of b", "== b"],
      ...["== c ...", "output of c", "== c", "output of a", "== a"],
    ]);
  });

  test("all stop when one fails, and only its output is shown", async () => {
    const failure = await run(
      made("long", "(what nobody says)"),
      made("bad", "== bad", 3),
      made("never"),
    );

    expect(failure).toMatchObject({ name: "bad", code: 3 });
    expect(stopped).toEqual(["long"]);
    expect(said).toEqual(["== long ...", "== bad ...", "\noutput of bad"]);
  });
});
