import { availableParallelism } from "node:os";
import {
  type Command,
  CommandError,
  readCommandLine,
  runAsProcess,
} from "./command-line";
import { RunningStep } from "./test/running-step";
import { sideBySide } from "./test/side-by-side";
import { type Step, STEPS } from "./test/step";

/** Steps at a time. One more than two cores need: Jest waits for Terraform for a good part of its time. */
const LANES = Math.min(3, availableParallelism() + 1);

const OPTIONS = {
  only: {
    type: "string",
    value: "NAME",
    text: `only steps whose name begins so: ${STEPS.map(({ name }) => name).join(", ")}`,
  },
} as const;

const COMMAND: Command<typeof OPTIONS> = {
  name: "test",
  summary:
    "Checks types and format, and runs all tests, several steps at a time. What stands after the options goes to the one\n" +
    "step that --only names.",
  options: OPTIONS,
  positionals: "--only jest -- __tests__/settings.test.ts",
};

/**
 * The steps that `--only` names; all of them without it.
 *
 * @throws CommandError when it names none
 */
export function chosenSteps(only: string | undefined): readonly Step[] {
  const chosen = STEPS.filter(
    ({ name }) => only === undefined || `${name} `.startsWith(`${only} `),
  );
  if (chosen.length === 0) {
    throw new CommandError(
      `--only got "${only}"; allowed: ${STEPS.map(({ name }) => name).join(", ")}, or the first word of one.`,
      2,
    );
  }
  return chosen;
}

/** `npm test`: 0 when every step passed, otherwise the exit code of the first that did not. */
async function test(argv: readonly string[]): Promise<number> {
  const line = readCommandLine(argv, COMMAND);
  if (line === null) {
    return 0;
  }
  const steps = chosenSteps(line.values.only);
  if (line.positionals.length > 0 && steps.length > 1) {
    throw new CommandError(
      `"${line.positionals.join(" ")}" can go to one step only: name it with --only, such as --only jest.`,
      2,
    );
  }
  const began = Date.now();
  const failure = await sideBySide({
    steps,
    lanes: Math.min(LANES, steps.length),
    start: (step) =>
      new RunningStep({
        step,
        more: line.positionals,
        quiet: steps.length > 1,
      }),
    say: (text) => console.error(text),
  });
  if (failure !== undefined) {
    const { name, code, seconds } = failure;
    console.error(
      `\nFAILED: ${name} (exit code ${code}, ${seconds.toFixed(1)} s); its messages stand above. ` +
        `Again: npm test -- --only "${name}"`,
    );
    return code;
  }
  const names = steps.map(({ name }) => name).join(", ");
  console.error(
    `\nPassed: ${names} in ${((Date.now() - began) / 1000).toFixed(1)} s.`,
  );
  return 0;
}

if (require.main === module) {
  void runAsProcess(test);
}
