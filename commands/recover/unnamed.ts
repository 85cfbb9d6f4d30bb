import type {
  GoogleClient,
  GoogleRequest,
} from "../../provision/google-client";
import type { Block, Found, Owner } from "./identity";

const RETRY = { deadlineSeconds: 20 };

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
  if (type === "google_monitoring_notification_channel") {
    const channels = await all(google, "notificationChannels", {
      service: "monitoring",
      path: `v3/projects/${project}/notificationChannels`,
    });
    return names(channels, block["display_name"]);
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
            retry: RETRY,
          })
        ).billingAccountName
      : `billingAccounts/${declared.replace(/^billingAccounts\//, "")}`;
    const budgets = await all(google, "budgets", {
      service: "billingbudgets",
      path: `${account}/budgets`,
      quotaProject: project,
    });
    return names(budgets, block["display_name"]);
  }
  return undefined;
}

/** All of a list, which comes by pages: a page of budgets has 100 at most. */
async function all(
  google: GoogleClient,
  plural: string,
  call: Pick<GoogleRequest, "service" | "path" | "quotaProject">,
): Promise<Found[]> {
  const found: Found[] = [];
  for (let pageToken: string | undefined = ""; pageToken !== undefined; ) {
    const page: Found = await google.request<Found>({
      ...call,
      query: { pageSize: "100", ...(pageToken ? { pageToken } : {}) },
      retry: RETRY,
    });
    found.push(...(page[plural] ?? []));
    pageToken = page["nextPageToken"] || undefined;
  }
  return found;
}

function names(found: readonly Found[], displayName: unknown): string[] {
  return found
    .filter((each) => each["displayName"] === displayName)
    .map((each) => String(each["name"]));
}
