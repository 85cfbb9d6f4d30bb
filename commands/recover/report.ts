import type { ExistingResources } from "./existing-resources";
import { setAside, type UnsavedState } from "../unsaved-state";
import { isOfThisMachine, type StateLock } from "./state-lock";

/** What a recovery would do, before it asks. */
export function report(
  lock: StateLock | undefined,
  { imports, foreign, unknown }: ExistingResources,
  versions: readonly string[],
  unsaved?: UnsavedState,
): string {
  const lines: string[] = [];
  if (lock) {
    const holder = isOfThisMachine(lock)
      ? "of this machine: no Terraform runs here any more, so it is stale"
      : "of ANOTHER machine: nobody here can tell whether Terraform still runs there";
    lines.push(
      "Lock on the state, to be removed:",
      `  ${lock.id}  ${lock.operation} by ${lock.who} at ${lock.created}`,
      `  ${holder}`,
    );
  }
  if (unsaved) {
    lines.push(
      unsaved.outdated
        ? `State that Terraform could not save, since when another was saved, to be set aside as ${setAside(unsaved)}:`
        : `State that Terraform could not save, with ${unsaved.resources.length} resources, to be saved:`,
      `  ${unsaved.file}`,
    );
  }
  if (imports.length > 0) {
    lines.push(
      "Exist but are not in the state, to be imported by the next deploy:",
      ...imports.map(({ to, id }) => `  ${to}\n    ${id}`),
    );
  }
  if (versions.length > 0) {
    lines.push(
      "Token versions that the state does not have, to be destroyed (importing one would put the token into the state;",
      "the next deploy writes it anew, so have HF_TOKEN exported):",
      ...versions.map((name) => `  ${name}`),
    );
  }
  if (foreign.length > 0) {
    lines.push(
      "Exist under this stack's names but were not made by it, and stay as they are (delete them, or choose other names in cdktf.json):",
      ...foreign.map(({ to, id }) => `  ${to}\n    ${id}`),
    );
  }
  return [...lines, ...unknown].join("\n");
}
