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
  // The image's own step: those before only look whether it can be made.
  const index = build["steps"].length - 1;
  const step = build["steps"][index];
  step["status"] = "FAILURE";
  return [
    "USER_BUILD_STEP",
    `Build step failure: build step ${index} "${step["name"]}" failed: step exited with non-zero status: ${code}`,
  ];
}
