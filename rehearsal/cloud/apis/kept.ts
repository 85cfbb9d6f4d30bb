import { ApiError } from "../api-error";
import type { Call, Handlers } from "../call";
import type { Cloud } from "../cloud";
import { withMask } from "../field-mask";
import { etag, randomHex, timestamp } from "../identifiers";
import { queriedPage } from "../page-of";
import type { Json } from "../state";

/**
 * Dashboards and alert policies are kept and given back: nothing is measured, and nobody is alerted.
 *
 * @see https://cloud.google.com/monitoring/api/ref_v3/rest
 */
export const kept: Handlers = {
  ...collection("monitoring.projects.alertPolicies", "alertPolicies"),
  ...collection("monitoring.projects.dashboards", "dashboards"),
};

function collection(method: string, plural: string): Handlers {
  return {
    [`${method}.list`]: (call, { state }) => {
      const all = Object.values(state.kept).filter(({ name }) =>
        name.startsWith(`${parent(call.path, plural)}/`),
      );
      const { items, next } = queriedPage(all, call, 1000);
      return { ...(items.length > 0 ? { [plural]: items } : {}), ...next };
    },

    [`${method}.create`]: ({ path, body }, { state }) => {
      const id = body["name"]?.split("/").at(-1) || randomHex(12);
      const name = `${parent(path, plural)}/${id}`;
      state.kept[name] = { ...body, name, etag: etag(), ...born(plural) };
      return state.kept[name];
    },

    [`${method}.get`]: (call, cloud) => existing(call, cloud),

    [`${method}.patch`]: (call, cloud) => {
      const present = existing(call, cloud);
      const mask = call.query.get("updateMask");
      const { name, creationRecord } = present;
      const asked = mask ? withMask(present, call.body, mask) : call.body;
      cloud.state.kept[name] = {
        ...asked,
        ...(creationRecord ? born(plural) : {}),
        ...(creationRecord ? { creationRecord } : {}),
        name,
        etag: etag(),
      };
      return cloud.state.kept[name];
    },

    [`${method}.delete`]: (call, cloud) => {
      delete cloud.state.kept[existing(call, cloud)["name"]];
      return {};
    },
  };
}

function parent(path: Call["path"], plural: string): string {
  return `${path["parent"] ?? path["name"]}/${plural}`;
}

function born(plural: string): Json {
  const record = { mutateTime: timestamp(), mutatedBy: "local" };
  return plural === "alertPolicies"
    ? { creationRecord: record, mutationRecord: record }
    : {};
}

function existing({ path }: Call, { state }: Cloud): Json {
  const found = state.kept[path["name"]!];
  if (found === undefined) {
    throw new ApiError(404, `${path["name"]} was not found.`);
  }
  return found;
}
