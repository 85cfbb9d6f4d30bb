import type { Fault } from "../cloud/faults";
import type { PhaseFault } from "../cloud/phase-faults";
import type { FaultCase } from "./fault-case";

/** What every clone has as its token, and what a cloud's own tokens begin with. */
const TOKENS = /hf_interruptions|ya29\.local/;

const EXISTS = /already exists|alreadyExists/;

/** Where the first deploy of a case did not end as it must, or did not say so. */
export function problemsOf(
  { ends, prints = [] }: FaultCase,
  code: number,
  output: string,
  waiting: readonly (Fault | PhaseFault)[],
): string[] {
  const problems: string[] = [];
  if ((code === 0) !== (ends === "well")) {
    problems.push(
      `the deploy ended with ${code}:\n${output.split("\n").slice(-30).join("\n")}`,
    );
  }
  for (const text of prints.filter((each) => !each.test(unwrapped(output)))) {
    problems.push(`the deploy did not print ${text}`);
  }
  if (TOKENS.test(output)) {
    problems.push("the deploy printed a token");
  }
  if (ends === "to recover" && !/npm run recover/.test(output)) {
    problems.push("the deploy did not name npm run recover");
  }
  if (ends === "failed" && EXISTS.test(output)) {
    problems.push("the deploy met something that exists already");
  }
  for (const fault of waiting) {
    problems.push(
      `a fault was not met: ${"phase" in fault ? fault.phase : fault.method}=${fault.kind}`,
    );
  }
  return problems;
}

/** Where a deploy that should have met what only a recovery mends did not, or did not name it. */
export function unnamedRecovery(output: string): string[] {
  return (EXISTS.test(output) || /errored\.tfstate/.test(output)) &&
    /npm run recover/.test(output)
    ? []
    : ["a deploy without npm run recover did not say that it is for this"];
}

/** Terraform breaks the lines of its error boxes. */
function unwrapped(output: string): string {
  return output.replace(/\s*\n[│\s]*/g, " ");
}
