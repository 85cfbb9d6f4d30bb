import { ApiError } from "../api-error";
import type { Handlers } from "../call";
import type { Cloud } from "../cloud";
import { keysOf } from "../iam/account-keys";
import { queriedPage } from "../page-of";
import { etag, nextNumber, shortName } from "../identifiers";
import type { Json } from "../state";

/** @see https://cloud.google.com/iam/docs/reference/rest/v1/projects.serviceAccounts */
export const iam: Handlers = {
  "iam.projects.serviceAccounts.list": (call, { state }) => {
    const all = Object.values(state.accounts);
    const { items, next } = queriedPage(all, call, 100);
    return { ...(items.length > 0 ? { accounts: items } : {}), ...next };
  },

  "iam.projects.serviceAccounts.create": ({ body }, cloud) => {
    const { project } = cloud.settings;
    const id: string = body["accountId"] ?? "";
    if (!/^[a-z](?:[-a-z0-9]{4,28}[a-z0-9])$/.test(id)) {
      throw new ApiError(
        400,
        `The account ID "${id}" does not have a length between 6 and 30.`,
      );
    }
    const email = `${id}@${project}.iam.gserviceaccount.com`;
    if (cloud.state.accounts[email]) {
      throw new ApiError(
        409,
        `Service account ${id} already exists within project projects/${project}.`,
      );
    }
    const uniqueId = `1${String(nextNumber()).padStart(20, "0")}`;
    cloud.state.accounts[email] = {
      name: `projects/${project}/serviceAccounts/${email}`,
      projectId: project,
      uniqueId,
      email,
      etag: etag(),
      oauth2ClientId: uniqueId,
      ...nonEmpty(body["serviceAccount"] ?? {}),
    };
    return cloud.state.accounts[email];
  },

  "iam.projects.serviceAccounts.get": ({ path }, cloud) =>
    account(cloud, path["name"]!),

  "iam.projects.serviceAccounts.patch": ({ path, body }, cloud) => {
    const found = account(cloud, path["name"]!);
    const { etag: seen, ...asked }: Json = body["serviceAccount"] ?? {};
    if (seen && seen !== found["etag"]) {
      throw new ApiError(
        409,
        "There were concurrent changes of the service account: its etag is another one.",
        { status: "ABORTED" },
      );
    }
    const fields = String(body["updateMask"] ?? "").split(",");
    for (const field of fields.map(camelCase).filter(Boolean)) {
      if (!["displayName", "description"].includes(field)) {
        throw new ApiError(
          400,
          `Invalid update mask: '${field}' cannot be updated.`,
        );
      }
      found[field] = asked[field] ?? "";
    }
    found["etag"] = etag();
    return found;
  },

  "iam.projects.serviceAccounts.delete": ({ path }, cloud) => {
    const { name, email, uniqueId } = account(cloud, path["name"]!);
    delete cloud.state.accounts[email];
    for (const key of keysOf(cloud.state.accountKeys, name)) {
      delete cloud.state.accountKeys[key];
    }
    cloud.access.forget(email, uniqueId);
    return {};
  },

  "iam.projects.serviceAccounts.getIamPolicy": ({ path }, cloud) => ({
    ...cloud.access.policy(account(cloud, path["resource"]!)["name"]),
  }),

  "iam.projects.serviceAccounts.setIamPolicy": ({ path, body }, cloud) => ({
    ...cloud.access.setPolicy(
      account(cloud, path["resource"]!)["name"],
      body["policy"] ?? {},
    ),
  }),
};

/**
 * By email or unique id.
 *
 * @throws ApiError if there is none
 */
export function account({ state }: Cloud, name: string): Json {
  const key = shortName(name);
  const found =
    state.accounts[key] ??
    Object.values(state.accounts).find(({ uniqueId }) => uniqueId === key);
  if (found === undefined) {
    throw new ApiError(404, `Unknown service account: ${key}`);
  }
  return found;
}

function nonEmpty(fields: Json): Json {
  return Object.fromEntries(
    Object.entries(fields).filter(([, value]) => value),
  );
}

function camelCase(field: string): string {
  return field.replace(/_(.)/g, (_all, letter: string) => letter.toUpperCase());
}
