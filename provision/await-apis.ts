import { setTimeout as sleep } from "node:timers/promises";
import { GoogleApiError } from "./google-api-error";
import { type GoogleRequest } from "./google-client";
import { pollSeconds, readInputs, text, wholeNumber } from "./inputs";
import { runProvisioner, type Session } from "./provisioner";

/**
 * Waits until each API answers. Enabling one takes up to some minutes to get
 * around, and the Terraform provider does not repeat what SERVICE_DISABLED
 * refused. Any other answer, also a refusal, comes from an API that is on.
 *
 * @throws the APIs that are still off after LIMIT_SECONDS.
 * @see https://cloud.google.com/service-usage/docs/enable-disable
 */
export async function awaitApis(session: Session): Promise<void> {
  const { env, progress } = session;
  const inputs = readInputs(env, {
    PROJECT_ID: text,
    REGION: text,
    APIS: text,
    LIMIT_SECONDS: wholeNumber.default(600),
    POLL_SECONDS: pollSeconds,
  });
  let off = inputs.APIS.split(",").map((api) => api.trim());
  const started = Date.now();
  for (;;) {
    const answers = await Promise.all(
      off.map((api) => isOff(session, api, probe(api, inputs))),
    );
    off = off.filter((_api, index) => answers[index]);
    if (off.length === 0) break;
    if (Date.now() - started >= inputs.LIMIT_SECONDS * 1000) {
      throw new Error(
        `still off after ${inputs.LIMIT_SECONDS} s: ${off.join(", ")}. Deploy again; if that does not help, enable them by hand: gcloud services enable ${off.join(" ")} --project ${inputs.PROJECT_ID}`,
      );
    }
    progress.state(`waiting for ${off.join(", ")} to be switched on`);
    await sleep(inputs.POLL_SECONDS * 1000);
  }
  progress.line(`${inputs.APIS.split(",").length} APIs answer`);
}

async function isOff(
  { client }: Session,
  api: string,
  request: GoogleRequest | undefined,
): Promise<boolean> {
  if (request === undefined) {
    throw new Error(`no call is known that would tell whether ${api} is on`);
  }
  try {
    await client.request(request);
    return false;
  } catch (error) {
    if (error instanceof GoogleApiError && error.status !== undefined) {
      return error.serviceDisabled;
    }
    throw error;
  }
}

/** A call that only reads, and answers quickly. */
function probe(
  api: string,
  { PROJECT_ID, REGION }: { PROJECT_ID: string; REGION: string },
): GoogleRequest | undefined {
  const project = `projects/${PROJECT_ID}`;
  const place = `${project}/locations/${REGION}`;
  const few = { pageSize: "1" };
  const probes: Record<string, GoogleRequest> = {
    // Whatever this account is, the answer tells whether the API is on.
    billingbudgets: {
      service: "billingbudgets",
      path: "billingAccounts/000000-000000-000000/budgets",
      query: few,
      quotaProject: PROJECT_ID,
    },
    cloudbilling: {
      service: "cloudbilling",
      path: `${project}/billingInfo`,
      quotaProject: PROJECT_ID,
    },
    artifactregistry: {
      service: "artifactregistry",
      path: `${place}/repositories`,
      query: few,
    },
    cloudbuild: { service: "cloudbuild", path: `${place}/builds`, query: few },
    cloudresourcemanager: { service: "resourcemanager", path: project },
    compute: { service: "compute", path: `${project}/regions/${REGION}` },
    iam: { service: "iam", path: `${project}/serviceAccounts`, query: few },
    logging: {
      service: "logging",
      path: "entries:list",
      method: "POST",
      body: { resourceNames: [project], pageSize: 1 },
      retry: { idempotent: true },
    },
    monitoring: {
      service: "monitoring",
      path: `v3/${project}/notificationChannels`,
      query: few,
    },
    run: { service: "run", path: `${place}/jobs`, query: few },
    secretmanager: {
      service: "secretmanager",
      path: `${project}/secrets`,
      query: few,
    },
    serviceusage: {
      service: "serviceusage",
      path: `${project}/services/run.googleapis.com`,
    },
    storage: {
      service: "storage",
      path: "b",
      query: { project: PROJECT_ID, maxResults: "1" },
    },
  };
  return probes[api.replace(/\.googleapis\.com$/, "")];
}

if (require.main === module) runProvisioner(awaitApis);
