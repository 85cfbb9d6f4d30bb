import { GoogleApiError } from "../../provision/google-api-error";
import { CommandError } from "../command-line";
import { findBucket, requireSameLocation } from "../models-bucket";
import { BRIEFLY, cannotTell, type Check, type Finding } from "./finding";

/** APIs with which the others are looked at and enabled: these only by hand. */
const BY_HAND = [
  "serviceusage.googleapis.com",
  "cloudresourcemanager.googleapis.com",
];

/** Whether the project exists, for whoever asks, and is in use. */
export const project: Check = async ({ settings, google }) => {
  const { projectId } = settings;
  const what = `project ${projectId}`;
  try {
    const { lifecycleState, projectNumber } = await google.request<{
      lifecycleState?: string;
      projectNumber?: string;
    }>({
      service: "resourcemanager",
      path: `projects/${projectId}`,
      retry: BRIEFLY,
    });
    return lifecycleState === "ACTIVE"
      ? [{ status: "pass", what, detail: `exists, number ${projectNumber}` }]
      : [
          {
            status: "fail",
            what,
            detail: `is in state ${lifecycleState}`,
            remedy: `gcloud projects undelete ${projectId}, or another PROJECT_ID`,
          },
        ];
  } catch (error) {
    if (!(error instanceof GoogleApiError) || error.status === undefined) {
      throw error;
    }
    if (error.serviceDisabled) {
      return [
        {
          status: "fail",
          what,
          detail: "the Resource Manager API is not enabled",
          remedy: enable(projectId),
        },
      ];
    }
    if (error.status !== 403 && error.status !== 404) throw error;
    return [
      {
        status: "fail",
        what,
        detail: "does not exist, or these credentials may not see it",
        remedy: `check PROJECT_ID (an id, not a name): gcloud projects list; or ask for access`,
      },
    ];
  }
};

/**
 * Whether the two APIs that no deployment can enable for itself are enabled.
 */
export const apisByHand: Check = async ({ settings, google }) => {
  const { projectId } = settings;
  return Promise.all(
    BY_HAND.map(async (api): Promise<Finding> => {
      const what = `API ${api}`;
      try {
        const { state } = await google.request<{ state?: string }>({
          service: "serviceusage",
          path: `projects/${projectId}/services/${api}`,
          retry: BRIEFLY,
        });
        if (state === "ENABLED") {
          return { status: "pass", what, detail: "enabled" };
        }
      } catch (error) {
        if (!(error instanceof GoogleApiError && error.serviceDisabled)) {
          return cannotTell(what, error);
        }
      }
      const remedy = enable(projectId);
      return { status: "fail", what, detail: "not enabled", remedy };
    }),
  );
};

/** Whether somebody pays: nothing of the stack is free of it. */
export const billing: Check = async ({ settings, env, http, accessToken }) => {
  const { projectId } = settings;
  const base =
    env["GOOGLE_CLOUD_BILLING_CUSTOM_ENDPOINT"] ||
    "https://cloudbilling.googleapis.com/v1/";
  const { status, text } = await http(
    `${base}projects/${projectId}/billingInfo`,
    {
      headers: { authorization: `Bearer ${await accessToken()}` },
    },
  );
  const what = "billing";
  const check = `gcloud billing projects describe ${projectId}`;
  if (status !== 200) {
    return [
      {
        status: "warn",
        what,
        detail: `could not be checked: the Cloud Billing API answered ${status}`,
        remedy: `${check} should print billingEnabled: true`,
      },
    ];
  }
  const { billingEnabled } = JSON.parse(text) as { billingEnabled?: boolean };
  return billingEnabled === true
    ? [{ status: "pass", what, detail: "enabled" }]
    : [
        {
          status: "fail",
          what,
          detail: "not enabled",
          remedy: `gcloud billing projects link ${projectId} --billing-account ACCOUNT (GPUs are not part of the free trial)`,
        },
      ];
};

/** Whether the models' bucket can be made, or taken over. */
export const modelsBucket: Check = async ({ settings, google }) => {
  const { projectId, region, bucket } = settings;
  const what = `bucket ${bucket.name}`;
  const declared = {
    address: "",
    name: bucket.name,
    project: projectId,
    location: region,
  };
  try {
    const existing = await findBucket(declared, google);
    if (existing) requireSameLocation(declared, existing);
    const detail = existing
      ? "exists in the project: it is used, with what is in it"
      : "its name is free";
    return [{ status: "pass", what, detail }];
  } catch (error) {
    if (!(error instanceof CommandError)) throw error;
    return [{ status: "fail", what, detail: error.message }];
  }
};

function enable(projectId: string): string {
  return `gcloud services enable ${BY_HAND.join(" ")} --project ${projectId}`;
}
