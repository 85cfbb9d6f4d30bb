import { chosenSteps, STEPS } from "../commands/test";

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
