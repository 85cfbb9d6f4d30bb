import type { GoogleClient } from "../../provision/google-client";
import type { Block, Found, Owner } from "./identity";

/**
 * Import ids of a declared resource whose name the API makes up, found by what
 * the stack sets: more than one when an earlier apply left one behind, too.
 *
 * @returns undefined for any other type
 */
export async function findUnnamed(
  type: string,
  block: Block,
  { project }: Owner,
  google: GoogleClient,
): Promise<string[] | undefined> {
  const retry = { deadlineSeconds: 20 };
  if (type === "google_monitoring_notification_channel") {
    const { notificationChannels = [] } = await google.request<{
      notificationChannels?: Found[];
    }>({
      service: "monitoring",
      path: `v3/projects/${project}/notificationChannels`,
      query: { pageSize: "1000" },
      retry,
    });
    return names(notificationChannels, block["display_name"]);
  }
  if (type === "google_billing_budget") {
    const declared = String(block["billing_account"]);
    // A reference to the project's own account.
    const account = declared.includes("${")
      ? (
          await google.request<{ billingAccountName: string }>({
            service: "cloudbilling",
            path: `projects/${project}/billingInfo`,
            quotaProject: project,
            retry,
          })
        ).billingAccountName
      : `billingAccounts/${declared.replace(/^billingAccounts\//, "")}`;
    const { budgets = [] } = await google.request<{ budgets?: Found[] }>({
      service: "billingbudgets",
      path: `${account}/budgets`,
      query: { pageSize: "1000" },
      quotaProject: project,
      retry,
    });
    return names(budgets, block["display_name"]);
  }
  return undefined;
}

function names(found: readonly Found[], displayName: unknown): string[] {
  return found
    .filter((each) => each["displayName"] === displayName)
    .map((each) => String(each["name"]));
}
