import { readFileSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { CommandError } from "../commands/command-line";
import { http } from "../commands/http";
import { compareAnswers } from "../provision/compare-answers";
import { readGolden } from "../provision/golden-answers";
import { figures } from "../provision/parity";
import { parityFailure } from "../provision/parity-failure";
import { ServedModel } from "../provision/served-model";

/** Requests at a time in the second pass; a deploy makes as many. */
const CONCURRENCY = 16;

/**
 * The check that follows a deploy (provision/check-answers.ts), against the server that runs here.
 *
 * @param version - the version's folder
 * @returns a line that says how near the server is to the model that was scored.
 * @throws CommandError when another model answers than was scored.
 */
export async function checkParity(
  url: string,
  version: string,
): Promise<string> {
  const json = (name: string): unknown =>
    JSON.parse(readFileSync(join(version, name), "utf8"));
  const golden = readGolden(json("golden.json"), join(version, "golden.json"));
  const { run_id: runId } = json("manifest.json") as { run_id: string };
  const server = new ServedModel({
    url,
    token: null,
    http: http(),
    limitSeconds: 300,
    grantSeconds: 0,
    say: () => undefined,
  });
  const comparison = await compareAnswers(server, golden, {
    concurrency: CONCURRENCY,
    runId,
    say: () => undefined,
    wait: (seconds) => sleep(seconds * 1000),
  });
  const failure = parityFailure(comparison, golden, runId);
  if (failure) {
    throw new CommandError(
      [
        ...failure.examples,
        `${failure.kind}: the server ${failure.what}.`,
      ].join("\n"),
    );
  }
  const { answers, parities } = comparison;
  return `The server is the model that was scored: ${answers.length} golden answers, ${parities.map(figures).join("; ")}.`;
}
