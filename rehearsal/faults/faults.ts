import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { CommandError } from "../../commands/command-line";
import { endProcessesWithThisOne } from "../local-process";
import { Clone } from "../interruptions/clone";
import type { FaultCase } from "./fault-case";
import { FAULT_CASES } from "./fault-cases";
import { type CaseResult, runCase } from "./run-case";

/** Cases at the same time: most of a deploy is the provider's own waits. */
const AT_ONCE = 5;

/**
 * Deploys into local clouds in which something goes wrong, a cloud for each case of a table, and
 * requires that the user is told what to do and that the next deploy finishes it.
 *
 * @param series - only cases with this in the name
 * @returns 0, or 1 when a case did not end as it must
 */
export async function faults(series: string | undefined): Promise<number> {
  const cases = FAULT_CASES.filter(
    ({ name }) => series === undefined || name.includes(series),
  );
  if (cases.length === 0) {
    throw new CommandError(
      `There is no case "${series}"; allowed: a part of ${FAULT_CASES.map(({ name }) => `"${name}"`).join(", ")}.`,
      2,
    );
  }
  endProcessesWithThisOne();
  const folder = mkdtempSync(join(tmpdir(), "tuneserve-faults-"));
  console.log(`${cases.length} cases, ${AT_ONCE} at a time`);
  const waiting = [...cases];
  const failed: string[] = [];
  await Promise.all(
    Array.from({ length: Math.min(AT_ONCE, cases.length) }, async (_, lane) => {
      const clone = new Clone(join(folder, `${lane}/clone`));
      for (let each = waiting.shift(); each; each = waiting.shift()) {
        const result = await runCase(each, clone, join(folder, `${lane}/case`));
        say(each, result);
        if (result.problems.length > 0) failed.push(each.name);
      }
    }),
  );
  console.log(
    failed.length === 0
      ? "All said what to do, and converged: state and cloud agree, one execution that succeeded and one trained version each."
      : `${failed.length} did not end as they must: ${failed.join("; ")}. The logs are in ${folder}`,
  );
  if (failed.length === 0) rmSync(folder, { recursive: true, force: true });
  return failed.length === 0 ? 0 : 1;
}

const ENDS = {
  well: "goes on by itself",
  failed: "fails, and the next deploy finishes",
  "to recover": "fails, and npm run recover and the next deploy finish",
} as const;

function say(
  { name, ends, prints = [] }: FaultCase,
  { seconds, output, problems }: CaseResult,
): void {
  console.log(
    `  ${name}: ${problems.length === 0 ? ENDS[ends] : "FAILED"} (${seconds.toFixed(0)} s)`,
  );
  const said = output
    .split("\n")
    .filter((line) => prints.some((text) => text.test(line)))
    .map((line) => line.replace(/^\S+ \(local-exec\): /, ""));
  for (const line of new Set(said)) console.log(`      ${line.slice(0, 400)}`);
  for (const problem of problems) {
    console.log(problem.replace(/^/gm, "      ! "));
  }
}
