import type { CloudSettings } from "../cloud-settings";
import type { Json } from "../state";

/** What Cloud Run sets in a job's and in a service's template where nothing is said. */
export function setDefaults(
  { projectNumber }: CloudSettings,
  template: Json,
): void {
  template["serviceAccount"] ??=
    `${projectNumber}-compute@developer.gserviceaccount.com`;
  for (const container of template["containers"] ?? []) {
    container.resources ??= {};
    container.resources.limits = {
      cpu: "1000m",
      memory: "512Mi",
      ...container.resources.limits,
    };
  }
}
