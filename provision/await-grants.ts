import { setTimeout as sleep } from "node:timers/promises";
import { readInputs, text, wholeNumber } from "./inputs";
import { runProvisioner, type Session } from "./provisioner";

/**
 * Waits for grants to get around. Nothing that could be asked tells when: two
 * minutes are typical, seven or more possible.
 *
 * @see https://cloud.google.com/iam/docs/access-change-propagation
 */
export async function awaitGrants({ env, progress }: Session): Promise<void> {
  const { PROJECT_ID, SECONDS } = readInputs(env, {
    PROJECT_ID: text,
    SECONDS: wholeNumber,
  });
  progress.line(
    `waiting ${SECONDS} s, once: new grants in ${PROJECT_ID} take about that long to reach Cloud Run and Cloud Storage`,
  );
  await sleep(SECONDS * 1000);
}

if (require.main === module) runProvisioner(awaitGrants);
