import { BRIEFLY, cannotTell, type Check } from "./finding";

/** What Terraform does with a budget, from its creation to its end. */
const NEEDED = ["create", "get", "update", "delete"].map(
  (verb) => `billing.budgets.${verb}`,
);

/**
 * Whether the caller may make the budget: it belongs to the billing account, where
 * a role on the project is worth nothing.
 *
 * @see
 * https://cloud.google.com/billing/docs/reference/rest/v1/billingAccounts/testIamPermissions
 */
export const budgetPermissions: Check = async ({ settings, google }) => {
  const { budget, projectId } = settings;
  if (budget === "none") return [];
  const what = "permissions for the budget";
  const grant = (account: string) =>
    `gcloud billing accounts add-iam-policy-binding ${account} --member user:YOU --role roles/billing.costsManager, or set "budget": "none"`;
  let account = budget.billingAccount;
  try {
    account ??= (
      await google.request<{ billingAccountName?: string }>({
        service: "cloudbilling",
        path: `projects/${projectId}/billingInfo`,
        retry: BRIEFLY,
      })
    ).billingAccountName?.replace("billingAccounts/", "");
    // Without any the check of the project's billing fails.
    if (!account) return [];
    const { permissions = [] } = await google.request<{
      permissions?: string[];
    }>({
      service: "cloudbilling",
      method: "POST",
      path: `billingAccounts/${account}:testIamPermissions`,
      body: { permissions: NEEDED },
      retry: { ...BRIEFLY, idempotent: true },
    });
    const missing = NEEDED.filter((name) => !permissions.includes(name));
    return missing.length === 0
      ? [{ status: "pass", what, detail: `held on ${account}` }]
      : [
          {
            status: "fail",
            what,
            detail: `missing on ${account}: ${missing.join(", ")}`,
            remedy: grant(account),
          },
        ];
  } catch (error) {
    return [
      { ...cannotTell(what, error), remedy: grant(account ?? "ACCOUNT") },
    ];
  }
};
