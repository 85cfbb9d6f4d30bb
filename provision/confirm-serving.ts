import type { run_v2 } from "@googleapis/run";
import { setTimeout as sleep } from "node:timers/promises";
import { pollSeconds, readInputs, text } from "./inputs";
import { runProvisioner, type Session } from "./provisioner";

type Service = run_v2.Schema$GoogleCloudRunV2Service;
type Revision = run_v2.Schema$GoogleCloudRunV2Revision;

const INPUTS = {
  PROJECT_ID: text,
  REGION: text,
  SERVICE_NAME: text,
  VERSION: text,
  ADDRESS: text,
  POLL_SECONDS: pollSeconds,
};

/**
 * Makes sure that the newest revision is the one that answers. When a revision
 * does not start, Cloud Run keeps the one before, and Terraform has the new
 * configuration in its state: the next plan would show no changes and call an
 * old model the new one.
 *
 * @throws one line with the revision's own reason and what to do.
 */
export async function confirmServing(session: Session): Promise<void> {
  const { client, progress } = session;
  const inputs = readInputs(session.env, INPUTS);
  const { PROJECT_ID, REGION, SERVICE_NAME, VERSION, ADDRESS } = inputs;
  const name = `projects/${PROJECT_ID}/locations/${REGION}/services/${SERVICE_NAME}`;
  let service: Service;
  for (;;) {
    service = await client.request<Service>({ service: "run", path: name });
    if (!service.reconciling) break;
    progress.state(`${SERVICE_NAME} is starting a revision`);
    await sleep(inputs.POLL_SECONDS * 1000);
  }
  const created = shortName(service.latestCreatedRevision);
  const ready = shortName(service.latestReadyRevision);
  if (created === ready) {
    return progress.line(`revision ${ready} answers with ${VERSION}`);
  }
  // Only for a better message: without an answer the service's own will do.
  const revision = await client
    .request<Revision>({
      service: "run",
      path: `${name}/revisions/${created}`,
      retry: { deadlineSeconds: 15 },
    })
    .catch((): Revision => ({}));
  const reason =
    revision.conditions?.find(
      ({ state, message }) => state === "CONDITION_FAILED" && message,
    )?.message ??
    service.terminalCondition?.message ??
    "no reason is given";
  throw new Error(
    `revision ${created} of ${SERVICE_NAME} did not start: ${reason.replace(/\.?$/, ".")} ${
      ready === "" ? "Nothing answers" : `Revision ${ready} goes on answering`
    }, not ${VERSION}. What to do: read its log (gcloud run services logs read ${SERVICE_NAME} --region ${REGION} --project ${PROJECT_ID}), change what is wrong and deploy again; to start the same once more, during which nothing answers: terraform apply -replace='${ADDRESS}'`,
  );
}

/** The last part of a resource's name. */
function shortName(name: string | null | undefined): string {
  return (name ?? "").split("/").at(-1) ?? "";
}

if (require.main === module) runProvisioner(confirmServing);
