import { GoogleApiError } from "../../provision/google-api-error";
import { BRIEFLY, type Check, type Finding } from "./finding";

/** Cloud Run takes /28 blocks, several at once while a revision is replaced. */
const SMALLEST_PREFIX = 26;

/**
 * Whether the subnetwork of the job and the service is there and large enough.
 *
 * @see https://cloud.google.com/run/docs/configuring/vpc-direct-vpc
 */
export const network: Check = async ({ settings, google }) => {
  const { projectId, region } = settings;
  if (settings.network === "none") {
    return [{ status: "pass", what: "network", detail: "none is used" }];
  }
  const { subnetwork, egress } = settings.network;
  const what = `subnetwork ${subnetwork} in ${region}`;
  let found: {
    ipCidrRange?: string;
    network?: string;
    privateIpGoogleAccess?: boolean;
  };
  try {
    found = await google.request({
      service: "compute",
      path: `projects/${projectId}/regions/${region}/subnetworks/${subnetwork}`,
      retry: BRIEFLY,
    });
  } catch (error) {
    if (!(error instanceof GoogleApiError) || error.status !== 404) {
      throw error;
    }
    return [
      {
        status: "fail",
        what,
        detail: "does not exist",
        remedy: `set "network": "none", or make it: gcloud compute networks create ${settings.network.network} --subnet-mode auto --project ${projectId}`,
      },
    ];
  }
  const prefix = Number(found.ipCidrRange?.split("/")[1]);
  const findings: Finding[] = [];
  if (
    found.network &&
    !found.network.endsWith(`/${settings.network.network}`)
  ) {
    findings.push({
      status: "fail",
      what,
      detail: `belongs to network ${found.network.split("/").at(-1)}`,
      remedy: `set network.network to it, or choose a subnetwork of ${settings.network.network}`,
    });
  }
  if (!Number.isInteger(prefix)) {
    findings.push({ status: "warn", what, detail: "does not tell its size" });
  } else if (prefix > SMALLEST_PREFIX) {
    findings.push({
      status: "fail",
      what,
      detail: `is a /${prefix}; Cloud Run needs /${SMALLEST_PREFIX} or larger`,
      remedy: `gcloud compute networks subnets expand-ip-range ${subnetwork} --region ${region} --prefix-length ${SMALLEST_PREFIX} --project ${projectId}`,
    });
  }
  // Private ranges alone: Google's APIs are asked past the network.
  const all = Object.values(settings.models).some(
    ({ serving }) => (serving.egress ?? egress) === "all",
  );
  if ((egress === "all" || all) && found.privateIpGoogleAccess !== true) {
    findings.push({
      status: "fail",
      what,
      detail:
        "has no Private Google Access, so that with egress all Cloud Storage is out of reach",
      remedy: `gcloud compute networks subnets update ${subnetwork} --region ${region} --enable-private-ip-google-access --project ${projectId}`,
    });
  }
  return findings.length > 0
    ? findings
    : [{ status: "pass", what, detail: found.ipCidrRange ?? "" }];
};
