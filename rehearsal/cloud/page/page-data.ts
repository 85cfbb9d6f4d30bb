import type { CloudServer } from "../server";
import type { Json } from "../state";
import { executionRows } from "./execution-rows";
import { clockTime, type PageRow } from "./page-row";
import { resourceRows } from "./resource-rows";

/** Newest lines and requests that are shown; the logs and the answers of the APIs have all. */
const SHOWN = 300;

export interface PageData {
  readonly project: string;

  /** Under the title. */
  readonly note: string;
  readonly executions: readonly PageRow[];
  readonly resources: readonly PageRow[];
  readonly logs: readonly PageRow[];
  readonly requests: readonly PageRow[];
}

/** What the page shows. Never a secret's payload, a token or the text of an object. */
export function pageData({ cloud, requests }: CloudServer): PageData {
  const { project, region, containers } = cloud.settings;
  const { state } = cloud;
  return {
    project,
    note:
      `${region}, ${requests.length} requests` +
      (containers === "stub" ? ", STUBS in place of containers" : ""),
    executions: executionRows(state),
    resources: resourceRows(state),
    logs: state.logEntries.slice(-SHOWN).reverse().map(logRow),
    requests: requests
      .slice(-SHOWN)
      .reverse()
      .map(({ at, method, path, status, message = "" }) => ({
        at: clockTime(at),
        ...{ method, path, status, message },
        ...(status >= 400 ? { mood: "bad" as const } : {}),
      })),
  };
}

function logRow(entry: Json): PageRow {
  const { timestamp, resource, severity = "DEFAULT" } = entry;
  const { job_name, service_name, build_id } = resource?.labels ?? {};
  return {
    at: clockTime(Date.parse(timestamp)),
    source: job_name ?? service_name ?? build_id ?? resource?.type ?? "",
    severity,
    text:
      entry["textPayload"] ??
      entry["jsonPayload"]?.message ??
      JSON.stringify(entry["jsonPayload"] ?? entry["protoPayload"] ?? ""),
    ...(/^(ERROR|CRITICAL|ALERT|EMERGENCY)$/.test(severity)
      ? { mood: "bad" as const }
      : {}),
  };
}
