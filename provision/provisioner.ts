import { GoogleApiError } from "./google-api-error";
import { type GoogleClient, googleClient } from "./google-client";
import { Progress } from "./progress";

/** What a provisioner works with. */
export interface Session {
  readonly env: NodeJS.ProcessEnv;
  readonly client: GoogleClient;
  readonly progress: Progress;
}

/**
 * Runs a provisioner as Terraform's local-exec starts it. Exit code 1 fails the
 * resource, and the last line printed says why.
 */
export function runProvisioner(
  provision: (session: Session) => Promise<void>,
): void {
  const progress = new Progress((text) => process.stdout.write(text));
  const client = googleClient(process.env, {
    onRetry: (error) => progress.state(`waiting: ${error.message}`),
  });
  provision({ env: process.env, client, progress }).catch((error: Error) => {
    // Only a fault of the script itself is worth a stack.
    const expected =
      error.constructor === Error || error instanceof GoogleApiError;
    progress.line(expected ? error.message : (error.stack ?? String(error)));
    process.exitCode = 1;
  });
}
