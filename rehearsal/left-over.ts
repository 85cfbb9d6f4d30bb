import type { Cloud } from "./cloud/cloud";
import { INPUTS } from "./rehearsal-inputs";

/** What a destroyed stack has left in a cloud: names, and apart from them those of buckets. */
export function leftOver({ state, containers }: Cloud): {
  readonly left: readonly string[];
  readonly buckets: readonly string[];
} {
  return {
    left: [
      ...Object.keys(state.accounts),
      ...Object.keys(state.secrets),
      ...Object.keys(state.repositories),
      ...state.images.map(({ name }) => name),
      ...Object.keys(state.jobs),
      ...Object.keys(state.executions),
      ...Object.keys(state.services),
      ...containers.active,
    ],
    buckets: Object.keys(state.buckets).filter((name) => name !== INPUTS),
  };
}
