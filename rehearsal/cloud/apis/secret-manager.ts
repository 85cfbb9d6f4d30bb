import { ApiError } from "../api-error";
import type { Handlers } from "../call";
import type { Cloud } from "../cloud";
import { etag, shortName, timestamp } from "../identifiers";
import type { Json } from "../state";
import { Crc32c } from "../storage/crc32c";

/** @see https://cloud.google.com/secret-manager/docs/reference/rest */
export const secretManager: Handlers = {
  "secretmanager.projects.secrets.list": (_call, { state }) => {
    const secrets = Object.values(state.secrets);
    return secrets.length > 0 ? { secrets, totalSize: secrets.length } : {};
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
    for (const field of (query.get("updateMask") ?? "").split(",")) {
      if (field !== "") found[field] = body[field];
    }
    return found;
  },

  "secretmanager.projects.secrets.delete": ({ path }, cloud) => {
    const id = shortName(secret(cloud, path["name"]!)["name"]);
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

  "secretmanager.projects.secrets.addVersion": ({ path, body }, cloud) => {
    const id = shortName(secret(cloud, path["parent"]!)["name"]);
    const data: string = body["payload"]?.data ?? "";
    if (data === "") {
      throw new ApiError(400, "Secret Payload cannot be empty.");
    }
    const number = versionsOf(cloud, id).length + 1;
    const version = {
      name: `${name(cloud, id)}/versions/${number}`,
      createTime: timestamp(),
      state: "ENABLED",
      replicationStatus: { automatic: {} },
      etag: `"${etag()}"`,
    };
    cloud.state.secretVersions[`${id}/${number}`] = { version, data };
    return version;
  },

  "secretmanager.projects.secrets.versions.list": ({ path }, cloud) => {
    const id = shortName(secret(cloud, path["parent"]!)["name"]);
    const versions = versionsOf(cloud, id)
      .map((key) => cloud.state.secretVersions[key]!.version)
      .reverse();
    return { versions, totalSize: versions.length };
  },

  "secretmanager.projects.secrets.versions.get": ({ path }, cloud) =>
    secretVersion(cloud, path["name"]!).version,

  "secretmanager.projects.secrets.versions.access": ({ path }, cloud) => {
    const { version, data } = enabledVersion(cloud, path["name"]!);
    const crc32c = new Crc32c().update(Buffer.from(data, "base64")).digest();
    const dataCrc32c = String(Buffer.from(crc32c, "base64").readUInt32BE());
    return { name: version["name"], payload: { data, dataCrc32c } };
  },

  ...changing("enable", "ENABLED"),
  ...changing("disable", "DISABLED"),
  ...changing("destroy", "DESTROYED"),
};

function changing(verb: string, state: string): Handlers {
  return {
    [`secretmanager.projects.secrets.versions.${verb}`]: ({ path }, cloud) => {
      const found = secretVersion(cloud, path["name"]!);
      if (found.version["state"] === "DESTROYED") {
        throw new ApiError(
          400,
          `Secret Version [${found.version["name"]}] is in DESTROYED state.`,
          { status: "FAILED_PRECONDITION" },
        );
      }
      found.version["state"] = state;
      if (state === "DESTROYED") {
        delete found.data;
        found.version["destroyTime"] = timestamp();
      }
      return found.version;
    },
  };
}

/** Google names secrets by the project's number. */
function name({ settings }: Cloud, id: string): string {
  return `projects/${settings.projectNumber}/secrets/${id}`;
}

function versionsOf({ state }: Cloud, id: string): string[] {
  return Object.keys(state.secretVersions).filter((key) =>
    key.startsWith(`${id}/`),
  );
}

function secret(cloud: Cloud, path: string): Json {
  const id = path.split("/")[3]!;
  const found = cloud.state.secrets[id];
  if (found === undefined) {
    throw new ApiError(404, `Secret [${name(cloud, id)}] not found.`);
  }
  return found;
}

/** By number, or `latest`. */
function secretVersion(cloud: Cloud, path: string) {
  secret(cloud, path);
  const [id = "", , asked = ""] = path.split("/").slice(3);
  const number =
    asked === "latest" ? String(versionsOf(cloud, id).length) : asked;
  const found = cloud.state.secretVersions[`${id}/${number}`];
  if (found === undefined) {
    throw new ApiError(
      404,
      `Secret Version [${name(cloud, id)}/versions/${asked}] not found.`,
    );
  }
  return found;
}

/** A version whose payload can be read; `path` is `projects/P/secrets/S/versions/V`. */
export function enabledVersion(
  cloud: Cloud,
  path: string,
): { readonly version: Json; readonly data: string } {
  const { version, data } = secretVersion(cloud, path);
  if (version["state"] !== "ENABLED" || data === undefined) {
    throw new ApiError(
      400,
      `Secret Version [${version["name"]}] is in ${version["state"]} state.`,
      { status: "FAILED_PRECONDITION" },
    );
  }
  return { version, data };
}
