import { UnreadablePlan } from "./unreadable-plan";

/** Deeper than any configuration, and far from the end of the stack. */
const DEEPEST = 200;

/**
 * Refuses what is nested so deeply that a walk through it would not end well.
 *
 * @throws UnreadablePlan
 */
export function requireShallow(json: unknown): void {
  let level: unknown[] = [json];
  for (let depth = 0; level.length > 0; depth++) {
    if (depth > DEEPEST) {
      throw new UnreadablePlan(
        `the JSON is nested more than ${DEEPEST} levels deep, which no plan is`,
      );
    }
    const next: unknown[] = [];
    for (const value of level) {
      if (typeof value !== "object" || value === null) continue;
      for (const inner of Object.values(value)) {
        if (typeof inner === "object" && inner !== null) next.push(inner);
      }
    }
    level = next;
  }
}
