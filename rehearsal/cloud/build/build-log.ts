import type { Cloud } from "../cloud";
import type { LogSource } from "../logs";
import type { Json } from "../state";

/** Without the right to write them, a build has no lines; it goes on. */
export function buildLog(
  cloud: Cloud,
  build: Json,
  account: string,
): (line: string) => void {
  const source: LogSource = {
    type: "build",
    resourceLabels: { build_id: build["id"], build_trigger_id: "" },
  };
  const member = `serviceAccount:${account}`;
  return (line: string) => {
    if (cloud.access.allows(member, "logging.logEntries.create")) {
      return cloud.logs.line(source, line, "INFO");
    }
    build["warnings"] ??= [
      {
        priority: "WARNING",
        text: `The service account running this build does not have permission to write logs to Cloud Logging. To fix this, grant the Logs Writer (roles/logging.logWriter) role to the service account.`,
      },
    ];
  };
}
