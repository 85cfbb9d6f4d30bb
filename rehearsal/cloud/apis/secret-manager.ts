import { ApiError } from "../api-error";
import type { Handlers } from "../call";
import type { Cloud } from "../cloud";
import { withMask } from "../field-mask";
import { etag, shortName, timestamp } from "../identifiers";
import { queriedPage } from "../page-of";
import type { Json } from "../state";

/** @see https://cloud.google.com/secret-manager/docs/reference/rest */
export const secretManager: Handlers = {
  "secretmanager.projects.secrets.list": (call, { state }) => {
    const all = Object.values(state.secrets);
    const { items, next } = queriedPage(all, call, 25_000);
    return items.length > 0
      ? { secrets: items, ...next, totalSize: all.length }
      : {};
  },

  "secretmanager.projects.secrets.create": ({ query, body }, cloud) => {
    const id = query.get("secretId") ?? "";
    if (!/^[\w-]{1,255}$/.test(id)) {
      throw new ApiError(
        400,
        `The provided Secret ID [${id}] does not match the expected format [[a-zA-Z_0-9]+]`,
      );
    }
    if (cloud.state.secrets[id]) {
      throw new ApiError(409, `Secret [${name(cloud, id)}] already exists.`);
    }
    const { automatic, userManaged } = body["replication"] ?? {};
    if (!automatic && !userManaged) {
      throw new ApiError(400, "The replication policy must be set.");
    }
    cloud.state.secrets[id] = {
      ...body,
      name: name(cloud, id),
      createTime: timestamp(),
      etag: `"${etag()}"`,
    };
    return cloud.state.secrets[id];
  },

  "secretmanager.projects.secrets.get": ({ path }, cloud) =>
    secret(cloud, path["name"]!),

  "secretmanager.projects.secrets.patch": ({ path, query, body }, cloud) => {
    const found = secret(cloud, path["name"]!);
    requireEtag(found, body["etag"]);
    const mask = query.get("updateMask") ?? "";
    const { name: full, createTime, replication } = found;
    const id = shortName(full);
    cloud.state.secrets[id] = {
      ...withMask(found, body, mask),
      ...{ name: full, createTime, replication },
      etag: `"${etag()}"`,
    };
    return cloud.state.secrets[id];
  },

  "secretmanager.projects.secrets.delete": ({ path, query }, cloud) => {
    const found = secret(cloud, path["name"]!);
    requireEtag(found, query.get("etag"));
    const id = shortName(found["name"]);
    delete cloud.state.secrets[id];
    for (const key of versionsOf(cloud, id)) {
      delete cloud.state.secretVersions[key];
    }
    cloud.access.delete(`${cloud.project}/secrets/${id}`);
    return {};
  },

  "secretmanager.projects.secrets.getIamPolicy": ({ path }, cloud) => {
    secret(cloud, path["resource"]!);
    return { ...cloud.access.policy(path["resource"]!) };
  },

  "secretmanager.projects.secrets.setIamPolicy": ({ path, body }, cloud) => {
    secret(cloud, path["resource"]!);
    return {
      ...cloud.access.setPolicy(path["resource"]!, body["policy"] ?? {}),
    };
  },
};

/** @throws ApiError where somebody else changed it meanwhile */
export function requireEtag(
  found: Json,
  seen: string | null | undefined,
): void {
  if (seen && seen !== found["etag"]) {
    throw new ApiError(
      400,
      `The etag ${seen} does not match that of [${found["name"]}].`,
      { status: "FAILED_PRECONDITION" },
    );
  }
}

/** Google names secrets by the project's number. */
export function name({ settings }: Cloud, id: string): string {
  return `projects/${settings.projectNumber}/secrets/${id}`;
}

export function versionsOf({ state }: Cloud, id: string): string[] {
  return Object.keys(state.secretVersions).filter((key) =>
    key.startsWith(`${id}/`),
  );
}

export function secret(cloud: Cloud, path: string): Json {
  const id = path.split("/")[3]!;
  const found = cloud.state.secrets[id];
  if (found === undefined) {
    throw new ApiError(404, `Secret [${name(cloud, id)}] not found.`);
  }
  return found;
}
