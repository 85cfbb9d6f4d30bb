import { ApiError } from "../api-error";
import type { Handlers } from "../call";
import type { CloudSettings } from "../cloud-settings";
import { logFilter } from "../log-filter/log-filter";
import { pageOf } from "../page-of";
import { discoveryOf } from "../resolve-method";
import { SERVICES } from "../services";
import type { Json } from "../state";

const PAGE = 50;
const MOST = 1000;
const SERVICE = SERVICES.find(({ name }) => name === "logging")!;
const ORDERS = ["", "timestamp asc", "timestamp desc"];

/** @see https://cloud.google.com/logging/docs/reference/v2/rest/v2/entries */
export const logging: Handlers = {
  "logging.entries.list": ({ body }, cloud) => {
    const { filter = "", orderBy = "", resourceNames = [] } = body;
    requireThisProject(cloud.settings, "list", resourceNames);
    if (!ORDERS.includes(orderBy)) {
      throw new ApiError(
        400,
        `Invalid order_by '${orderBy}': allowed are 'timestamp asc' and 'timestamp desc'.`,
      );
    }
    const { schemas } = discoveryOf(SERVICE).document;
    const found = cloud.state.logEntries.filter(logFilter(filter, schemas));
    found.sort((a, b) => order(a, b, "timestamp") || order(a, b, "insertId"));
    if (orderBy === "timestamp desc") found.reverse();
    const { pageToken, pageSize, ...rest } = body;
    const { items, next } = pageOf(
      found,
      {
        pageToken,
        pageSize: Math.min(Number(pageSize || PAGE), MOST),
        of: JSON.stringify(rest),
      },
      MOST,
    );
    return { ...(items.length > 0 ? { entries: items } : {}), ...next };
  },

  "logging.entries.write": ({ body }, { logs, settings }) => {
    const { entries = [], ...common } = body;
    for (const entry of entries as Json[]) {
      const logName = entry["logName"] ?? common["logName"];
      if (!/^projects\/[^/]+\/logs\/[^/]+$/.test(logName ?? "")) {
        throw new ApiError(400, `Invalid log_name: '${logName ?? ""}'.`);
      }
      requireThisProject(settings, "create", [logName]);
    }
    for (const entry of entries as Json[]) {
      logs.write({
        logName: common["logName"],
        resource: common["resource"] ?? { type: "global", labels: {} },
        ...entry,
        labels: { ...common["labels"], ...entry["labels"] },
      });
    }
    return {};
  },
};

/** @throws ApiError for entries of another project */
function requireThisProject(
  { project, projectNumber }: CloudSettings,
  what: "list" | "create",
  names: readonly string[],
): void {
  for (const name of names) {
    const [, id = ""] = /^projects\/([^/]+)(\/|$)/.exec(name) ?? [];
    if (id !== project && id !== projectNumber) {
      throw new ApiError(
        403,
        `Permission 'logging.logEntries.${what}' denied on resource '${name}' (or it may not exist).`,
      );
    }
  }
}

function order(a: Json, b: Json, field: string): number {
  return a[field] < b[field] ? -1 : a[field] > b[field] ? 1 : 0;
}
