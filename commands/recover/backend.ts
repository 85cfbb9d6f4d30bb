import path from "node:path";
import { CommandError } from "../command-line";
import type { Stack, StackJson } from "../synthesis";

/** Where a stack's state lies, and its lock. */
export type Backend =
  | {
      readonly kind: "local";
      /** The lock's note, which Terraform leaves when it is killed. */
      readonly lockFile: string;
    }
  | {
      readonly kind: "gcs";
      readonly bucket: string;
      /** Name of the object that is the lock. */
      readonly lockObject: string;
    };

/**
 * @throws CommandError for a backend that this project does not synthesize
 * @see https://developer.hashicorp.com/terraform/language/backend/gcs
 */
export function backendOf(stack: Stack, json: StackJson): Backend {
  const { local, gcs } = json.terraform?.backend ?? {};
  if (gcs) {
    // The workspace is always `default`.
    return {
      kind: "gcs",
      bucket: String(gcs["bucket"]),
      lockObject: `${String(gcs["prefix"])}/default.tflock`,
    };
  }
  if (local) {
    const file = path.resolve(stack.directory, String(local["path"]));
    return {
      kind: "local",
      lockFile: path.join(
        path.dirname(file),
        `.${path.basename(file)}.lock.info`,
      ),
    };
  }
  throw new CommandError(
    `The stack's backend is ${Object.keys(json.terraform?.backend ?? {}).join() || "none"}; this command knows local and gcs. Look for the lock with terraform -chdir=${stack.directory} plan, and remove it with terraform force-unlock.`,
  );
}
