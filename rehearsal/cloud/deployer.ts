import { chmodSync, writeFileSync } from "node:fs";
import type { Cloud } from "./cloud";
import { createKey } from "./iam/account-keys";
import { etag, nextNumber } from "./identifiers";
import type { Json } from "./state";

const ID = "deployer";

/**
 * Writes a key file of a service account that may deploy: it owns the project and manages the budgets of
 * its billing account.
 */
export function writeDeployerKey(cloud: Cloud, file: string): void {
  const { project, billingAccount } = cloud.settings;
  const email = `${ID}@${project}.iam.gserviceaccount.com`;
  const uniqueId = String(nextNumber()).padStart(21, "1");
  const account: Json = {
    name: `projects/${project}/serviceAccounts/${email}`,
    projectId: project,
    uniqueId,
    email,
    displayName: "made by --key-file",
    etag: etag(),
    oauth2ClientId: uniqueId,
  };
  cloud.state.accounts[email] = account;
  const members = [`serviceAccount:${email}`];
  for (const [resource, role] of [
    [cloud.project, "roles/owner"],
    [`billingAccounts/${billingAccount}`, "roles/billing.costsManager"],
  ] as const) {
    const { bindings } = cloud.access.policy(resource);
    cloud.access.create(resource, [...bindings, { role, members }]);
  }
  const { file: content } = createKey(cloud, account);
  writeFileSync(file, `${JSON.stringify(content, undefined, 2)}\n`, {
    mode: 0o600,
  });
  // Also where there was one before.
  chmodSync(file, 0o600);
}
