import { CommandError } from "../commands/command-line";
import type { Cloud } from "./cloud/cloud";
import { INPUTS } from "./rehearsal-inputs";

/** The bucket that holds models is kept by default, and Terraform says that it could not go. */
const KEPT = "rehearsal-models";

/**
 * Holds what a destroyed stack has left in a cloud against what its settings keep.
 *
 * @param output - what the destroy printed
 * @throws CommandError with names, where that is not all that is left
 */
export function requireNothingLeft(
  { state, containers }: Cloud,
  output: string,
): void {
  const left = [
    ...Object.keys(state.accounts),
    ...Object.keys(state.secrets),
    ...Object.keys(state.repositories),
    ...state.images.map(({ name }) => name),
    ...Object.keys(state.jobs),
    ...Object.keys(state.executions),
    ...Object.keys(state.services),
    ...containers.active,
  ];
  const buckets = Object.keys(state.buckets).filter((name) => name !== INPUTS);
  if (left.length > 0 || buckets.join() !== KEPT) {
    throw new CommandError(
      `The destroy left behind: ${[...left, ...buckets].join(", ")}\n${output}`,
    );
  }
}
