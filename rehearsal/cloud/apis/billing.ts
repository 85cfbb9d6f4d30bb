import { ApiError } from "../api-error";
import type { Handlers } from "../call";
import type { Cloud } from "../cloud";
import { queriedPage } from "../page-of";
import type { Json } from "../state";

/**
 * The one billing account, which pays for the one project.
 *
 * @see https://cloud.google.com/billing/docs/reference/rest
 */
export const billing: Handlers = {
  "cloudbilling.projects.getBillingInfo": (_call, { project, settings }) => ({
    name: `${project}/billingInfo`,
    projectId: settings.project,
    billingAccountName: `billingAccounts/${settings.billingAccount}`,
    billingEnabled: true,
  }),

  "cloudbilling.billingAccounts.list": (call, cloud) => {
    const account = accountJson(cloud);
    const mine = cloud.access.allows(
      call.principal,
      "billing.accounts.list",
      account["name"],
    );
    const { items, next } = queriedPage(mine ? [account] : [], call, 100);
    return { ...(items.length > 0 ? { billingAccounts: items } : {}), ...next };
  },

  "cloudbilling.billingAccounts.get": ({ path }, cloud) => {
    existingAccount(cloud, path["name"]!);
    return accountJson(cloud);
  },

  "cloudbilling.billingAccounts.projects.list": (call, cloud) => {
    const account = existingAccount(cloud, call.path["name"]!);
    const info = {
      name: `${cloud.project}/billingInfo`,
      projectId: cloud.settings.project,
      billingAccountName: account,
      billingEnabled: true,
    };
    const { items, next } = queriedPage([info], call, 100);
    return { projectBillingInfo: items, ...next };
  },

  "cloudbilling.billingAccounts.getIamPolicy": ({ path }, cloud) => ({
    ...cloud.access.policy(existingAccount(cloud, path["resource"]!)),
  }),

  "cloudbilling.billingAccounts.setIamPolicy": ({ path, body }, cloud) => ({
    ...cloud.access.setPolicy(
      existingAccount(cloud, path["resource"]!),
      body["policy"] ?? {},
    ),
  }),

  "cloudbilling.billingAccounts.testIamPermissions": (
    { path, body, principal },
    cloud,
  ) => {
    const account = existingAccount(cloud, path["resource"]!);
    const held = (body["permissions"] ?? []).filter((permission: string) =>
      cloud.access.allows(principal, permission, account),
    );
    return held.length > 0 ? { permissions: held } : {};
  },
};

/** @throws ApiError for another account: Google tells nobody whether it exists */
export function existingAccount({ settings }: Cloud, name: string): string {
  const [kind, id] = name.split("/");
  if (id !== settings.billingAccount) {
    throw new ApiError(403, "The caller does not have permission");
  }
  return `${kind}/${id}`;
}

function accountJson({ settings }: Cloud): Json {
  return {
    name: `billingAccounts/${settings.billingAccount}`,
    open: true,
    displayName: "Local billing account",
    currencyCode: settings.billingCurrency,
  };
}
