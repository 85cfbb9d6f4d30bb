import { ApiError } from "../api-error";
import type { Call, Handlers } from "../call";
import type { Cloud } from "../cloud";
import { etag, randomHex, timestamp } from "../identifiers";
import type { Json } from "../state";

/**
 * Dashboards, alert policies, notification channels and budgets are kept and given back: nothing is
 * measured, and nobody is alerted.
 *
 * @see https://cloud.google.com/monitoring/api/ref_v3/rest
 * @see https://cloud.google.com/billing/docs/reference/budget/rest
 */
export const kept: Handlers = {
  ...collection("monitoring.projects.alertPolicies", "alertPolicies"),
  ...collection(
    "monitoring.projects.notificationChannels",
    "notificationChannels",
  ),
  ...collection("monitoring.projects.dashboards", "dashboards"),
  ...collection("billingbudgets.billingAccounts.budgets", "budgets"),
};

function collection(method: string, plural: string): Handlers {
  return {
    [`${method}.list`]: ({ path }, { state }) => {
      const items = Object.values(state.kept).filter(({ name }) =>
        name.startsWith(`${parent(path, plural)}/`),
      );
      return items.length > 0 ? { [plural]: items } : {};
    },

    [`${method}.create`]: ({ path, body }, { state }) => {
      const name = `${parent(path, plural)}/${body["name"] ? body["name"].split("/").at(-1) : randomHex(12)}`;
      state.kept[name] = { ...body, name, etag: etag(), ...born(plural) };
      return state.kept[name];
    },

    [`${method}.get`]: (call, cloud) => existing(call, cloud),

    [`${method}.patch`]: (call, cloud) => {
      const found = existing(call, cloud);
      const mask = call.query.get("updateMask");
      const fields = mask ? mask.split(",") : Object.keys(call.body);
      for (const field of fields.map((each) => each.split(".")[0]!)) {
        found[field] = call.body[field];
      }
      return { ...found, etag: etag() };
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
  // The provider patches a resource with its name inside another variable.
  const name = Object.values(path).find((value) => state.kept[value]);
  if (name === undefined) {
    throw new ApiError(404, `${Object.values(path)[0]} was not found.`);
  }
  return state.kept[name]!;
}
