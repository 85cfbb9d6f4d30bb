import { exitCode, type PhaseFaultKind } from "../phase-faults";
import type { Json } from "../state";

/** Puts an injected failure into a build. @returns its type and detail */
export function injectedFailure(
  build: Json,
  fault: PhaseFaultKind,
): readonly [type: string, detail: string] {
  if (fault === "timeout") {
    build["status"] = "TIMEOUT";
    return ["TIMEOUT", "build timed out"];
  }
  const code = exitCode(fault) ?? 137;
  const [step] = build["steps"];
  step["status"] = "FAILURE";
  return [
    "USER_BUILD_STEP",
    `Build step failure: build step 0 "${step["name"]}" failed: step exited with non-zero status: ${code}`,
  ];
}
