import type { Handlers } from "../call";
import { logFilter } from "../log-filter";
import { pageOf } from "../page-of";
import type { Json } from "../state";

const PAGE = 50;
const MOST = 1000;

/** @see https://cloud.google.com/logging/docs/reference/v2/rest/v2/entries */
export const logging: Handlers = {
  "logging.entries.list": ({ body }, { state }) => {
    const matches = logFilter(body["filter"] ?? "");
    const newestFirst = body["orderBy"] === "timestamp desc";
    const found = state.logEntries.filter(matches);
    found.sort((a, b) =>
      a["timestamp"] < b["timestamp"]
        ? -1
        : a["timestamp"] > b["timestamp"]
          ? 1
          : 0,
    );
    if (newestFirst) found.reverse();
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

  "logging.entries.write": ({ body }, { logs }) => {
    const { entries = [], ...common } = body;
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
