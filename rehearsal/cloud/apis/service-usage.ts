import { ApiError } from "../api-error";
import type { Handlers } from "../call";
import type { Cloud } from "../cloud";
import { queriedPage } from "../page-of";
import { SERVICES } from "../services";
import type { Json } from "../state";

/** @see https://cloud.google.com/service-usage/docs/reference/rest/v1/services */
export const serviceUsage: Handlers = {
  "serviceusage.services.list": (call, cloud) => {
    const filter = call.query.get("filter");
    const state = /^state:(ENABLED|DISABLED)$/.exec(filter ?? "")?.[1];
    if (filter && state === undefined) {
      throw new ApiError(400, `Invalid filter: ${filter}`);
    }
    const on = Object.keys(cloud.state.apis).sort();
    const known = new Set(SERVICES.map(({ name }) => `${name}.googleapis.com`));
    const off = [...known].filter((api) => !on.includes(api));
    const chosen =
      state === undefined ? [...on, ...off] : state === "ENABLED" ? on : off;
    const { items, next } = queriedPage(chosen, call, 200);
    return { services: items.map((api) => service(cloud, api)), ...next };
  },

  "serviceusage.services.get": ({ path }, cloud) =>
    service(cloud, path["name"]!.split("/").at(-1)!),

  "serviceusage.services.batchEnable": ({ body }, cloud) => {
    const ids: string[] = body["serviceIds"] ?? [];
    if (ids.length === 0 || ids.length > 20) {
      throw new ApiError(
        400,
        "Between 1 and 20 services may be enabled at once.",
      );
    }
    return enable(cloud, ids);
  },

  "serviceusage.services.enable": ({ path }, cloud) =>
    enable(cloud, [path["name"]!.split("/").at(-1)!]),

  "serviceusage.services.disable": ({ path }, cloud) => {
    const api = path["name"]!.split("/").at(-1)!;
    return cloud.operations.start("", {}, () => {
      delete cloud.state.apis[api];
      return { service: service(cloud, api) };
    });
  },

  "serviceusage.operations.get": ({ path }, cloud) =>
    cloud.operations.get(path["name"]!),
};

/** It counts from now, though callers hear of it later. */
function enable(cloud: Cloud, ids: readonly string[]): Json {
  for (const id of ids) {
    if (!/^[a-z0-9-]+\.googleapis\.com$/.test(id)) {
      throw new ApiError(
        400,
        `Not found or permission denied for service(s): ${id}.`,
        { reason: "SERVICE_CONFIG_NOT_FOUND_OR_PERMISSION_DENIED" },
      );
    }
    cloud.state.apis[id] ??= Date.now();
  }
  return cloud.operations.start("", {}, () => ({
    services: ids.map((id) => service(cloud, id)),
  }));
}

function service({ state, settings }: Cloud, api: string): Json {
  const project = `projects/${settings.projectNumber}`;
  return {
    name: `${project}/services/${api}`,
    parent: project,
    config: { name: api },
    state: state.apis[api] === undefined ? "DISABLED" : "ENABLED",
  };
}
