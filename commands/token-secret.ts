import { CommandError } from "./command-line";
import type { StackJson } from "./synthesis";
import type { StateResource } from "./terraform";

const SECRET = "google_secret_manager_secret";
const VERSION = "google_secret_manager_secret_version";

/**
 * Refuses what the stack's own guard cannot see, before Terraform begins: a
 * first token that is missing although the guard was passed once (a destroy
 * that was interrupted leaves the guard and takes the secret), and a switch to
 * an existing secret that would delete that very secret.
 *
 * @throws CommandError with what to do.
 */
export function checkTokenSecret(
  json: StackJson,
  state: readonly StateResource[],
  token: string | undefined,
): void {
  const declared = (type: string) =>
    Object.keys(json.resource?.[type] ?? {}).length > 0;
  const version = state.some(({ type }) => type === VERSION);
  if (declared(VERSION) && !version && state.length > 0 && !token) {
    throw new CommandError(
      "The Hugging Face token is due: the secret has no version yet. Export it, `export HF_TOKEN=hf_...`, and run npm run deploy again.",
    );
  }
  const kept = state.find(({ type }) => type === SECRET);
  if (kept && !declared(SECRET)) {
    const id = String(kept.attributes["secret_id"]);
    const readers = Object.values(
      json.resource?.["google_secret_manager_secret_iam_member"] ?? {},
    );
    if (readers.some(({ secret_id: used }) => used === id)) {
      const addresses = state
        .filter(({ type }) => type === SECRET || type === VERSION)
        .map(({ address }) => `'${address}'`)
        .join(" ");
      throw new CommandError(
        `token.source is now "existing", but the secret '${id}' belongs to this stack, and Terraform would delete it with the token in it. To keep it, take it out of the state first: terraform state rm ${addresses}`,
      );
    }
  }
}
