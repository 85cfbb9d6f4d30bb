import type { CloudSettings } from "./cloud-settings";
import { nextNumber, timestamp } from "./identifiers";
import { rank } from "./log-filter/operand";
import type { CloudState, Json } from "./state";

/** Where an entry comes from. @see https://cloud.google.com/logging/docs/api/v2/resource-list */
export interface LogSource {
  readonly type: "build" | "cloud_run_job" | "cloud_run_revision";
  readonly resourceLabels: Readonly<Record<string, string>>;
  readonly labels?: Readonly<Record<string, string>>;
}

/** What a container prints to stdout and stderr is taken as one. */
const LOGS = {
  build: "cloudbuild",
  cloud_run_job: "run.googleapis.com%2Fstdout",
  cloud_run_revision: "run.googleapis.com%2Fstdout",
} as const;

/** What Cloud Logging keeps. */
export class Logs {
  constructor(
    private readonly state: CloudState,
    private readonly settings: CloudSettings,
  ) {}

  /** Takes a line of a container or a build in: JSON with a `message` becomes a structured entry. */
  line(source: LogSource, text: string, severity = "DEFAULT"): void {
    const { type, resourceLabels, labels = {} } = source;
    const project_id = this.settings.project;
    this.write({
      logName: `projects/${project_id}/logs/${LOGS[type]}`,
      resource: { type, labels: { project_id, ...resourceLabels } },
      labels,
      severity,
      ...payload(text),
    });
  }

  write(entry: Json): void {
    this.state.logEntries.push({
      insertId: nextNumber().toString(36),
      timestamp: timestamp(),
      receiveTimestamp: timestamp(),
      ...entry,
    });
  }
}

/** @see https://cloud.google.com/logging/docs/structured-logging#special-payload-fields */
function payload(text: string): Json {
  try {
    const json: unknown = JSON.parse(text);
    if (typeof json === "object" && json !== null && !Array.isArray(json)) {
      const { severity, ...jsonPayload } = json as Json;
      return {
        jsonPayload,
        // Anything else than a severity is DEFAULT.
        ...(typeof severity === "string" && rank(severity) !== undefined
          ? { severity: severity.toUpperCase() }
          : {}),
      };
    }
  } catch {
    // A plain line.
  }
  return { textPayload: text };
}
