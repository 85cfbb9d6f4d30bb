import type { State } from "../../rehearsal/progress";
import type { LoadPlan } from "./load-plan";
import type { LoadState } from "./run-load";

/** How far a load test is, in the words of its progress bar. */
export function loadProgress(
  state: LoadState | undefined,
  { warmUpSeconds, durationSeconds }: LoadPlan,
): State {
  if (state === undefined) {
    return { share: 0, text: "" };
  }
  const { phase, flight, since } = state;
  const inFlight = `${phase}, ${flight.count} in flight`;
  const seconds = (performance.now() - since) / 1000;
  const all = warmUpSeconds + durationSeconds;
  switch (phase) {
    case "warming up":
      // It may take longer, where answers do.
      return {
        share: Math.min(seconds, warmUpSeconds) / all,
        text: inFlight,
      };
    case "measuring":
      return { share: (warmUpSeconds + seconds) / all, text: inFlight };
    case "last answers":
      return { share: 1, text: inFlight };
  }
}
