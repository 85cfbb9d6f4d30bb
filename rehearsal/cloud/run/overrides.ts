import { ApiError } from "../api-error";
import type { Cloud } from "../cloud";
import type { Json } from "../state";

/** @see https://cloud.google.com/run/docs/execute/jobs#override-job-configuration */
export function override(template: Json, overrides: Json): void {
  if (overrides["taskCount"]) template["taskCount"] = overrides["taskCount"];
  if (overrides["timeout"]) template["template"].timeout = overrides["timeout"];
  const [asked] = overrides["containerOverrides"] ?? [];
  const [container] = template["template"].containers;
  if (asked?.args || asked?.clearArgs) container.args = asked.args ?? [];
  for (const variable of asked?.env ?? []) {
    container.env = [
      ...(container.env ?? []).filter(
        ({ name }: Json) => name !== variable.name,
      ),
      variable,
    ];
  }
}

/** @throws ApiError for whoever may start a job only as it is */
export function requireOverrides(
  { access }: Cloud,
  principal: string,
  name: string,
): void {
  const permission = "run.jobs.runWithOverrides";
  if (!access.allows(principal, permission, name)) {
    throw new ApiError(
      403,
      `Permission '${permission}' denied on resource '${name}' (or it may not exist).`,
    );
  }
}
