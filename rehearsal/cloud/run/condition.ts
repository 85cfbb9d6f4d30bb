import { timestamp } from "../identifiers";
import type { Json } from "../state";

/** @see https://cloud.google.com/run/docs/reference/rest/v2/Condition */
export function condition(
  type: string,
  state: "SUCCEEDED" | "FAILED" | "RECONCILING" | "PENDING",
  more: {
    readonly message?: string;
    readonly reason?: string;
    readonly executionReason?: string;
  } = {},
): Json {
  return {
    type,
    state: `CONDITION_${state}`,
    lastTransitionTime: timestamp(),
    ...more,
  };
}
