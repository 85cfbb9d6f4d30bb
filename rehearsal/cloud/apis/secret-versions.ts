import { ApiError } from "../api-error";
import type { Handlers } from "../call";
import type { Cloud } from "../cloud";
import { etag, shortName, timestamp } from "../identifiers";
import { queriedPage } from "../page-of";
import type { Json } from "../state";
import { Crc32c } from "../storage/crc32c";
import { name, requireEtag, secret, versionsOf } from "./secret-manager";

/** @see https://cloud.google.com/secret-manager/docs/reference/rest/v1/projects.secrets.versions */
export const secretVersions: Handlers = {
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

  "secretmanager.projects.secrets.versions.list": (call, cloud) => {
    const id = shortName(secret(cloud, call.path["parent"]!)["name"]);
    const all = versionsOf(cloud, id)
      .map((key) => cloud.state.secretVersions[key]!.version)
      .reverse();
    const { items, next } = queriedPage(all, call, 25_000);
    return items.length > 0
      ? { versions: items, ...next, totalSize: all.length }
      : {};
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
    [`secretmanager.projects.secrets.versions.${verb}`]: (
      { path, body },
      cloud,
    ) => {
      const found = secretVersion(cloud, path["name"]!);
      requireEtag(found.version, body["etag"]);
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
