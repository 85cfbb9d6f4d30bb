import { CommandError } from "../command-line";
import { isLocal } from "./service-call";

/**
 * The value of `--url`, once it is known to be one that a token may go to.
 *
 * @throws CommandError (exit code 2)
 */
export function serviceAddress(url: string): string {
  if (!/^https?:\/\/./.test(url) || !URL.canParse(url)) {
    throw new CommandError(
      `--url: got '${url}'; allowed: an address such as https://serve-gemma-sql-123.us-central1.run.app`,
      2,
    );
  }
  if (url.startsWith("http:") && !isLocal(url)) {
    throw new CommandError(
      `--url: got '${url}'; allowed: https, because an identity token goes along`,
      2,
    );
  }
  return url;
}
