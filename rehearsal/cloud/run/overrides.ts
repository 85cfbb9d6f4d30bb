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
