import { isObject, type Json, objectOf, own, text } from "../json";
import { isCreated, type Plan, type Resource } from "../resource";

/** A null resource that runs one of this project's scripts. */
export interface Step {
  readonly resource: Resource;

  /** What the script is told, with references where Terraform fills in. */
  readonly environment: Json;

  /** What it refers to, such as `google_cloud_run_v2_job.a`. */
  readonly references: readonly string[];
}

/** The steps that run a script of this project, wherever it lies, run or not. */
export function steps({ resources }: Plan, script: string): Step[] {
  return resources.flatMap((resource) =>
    resource.provisioners.flatMap(({ type, arguments: given }) => {
      const command = given.command?.value;
      return type === "local-exec" &&
        typeof command === "string" &&
        `/${command}`.endsWith(`/${script}`)
        ? [
            {
              resource,
              environment: objectOf(given.environment?.value),
              references: given.environment?.references ?? [],
            },
          ]
        : [];
    }),
  );
}

/** The one resource of a type that a step refers to. */
export function referredTo(
  plan: Plan,
  { references }: Step,
  type: string,
): Resource | undefined {
  return plan.resources.find(
    ({ address, type: found }) =>
      found === type &&
      // A plan names the resource itself too, synthesized JSON its attributes only.
      references.some((name) => `${name}.`.startsWith(`${address}.`)),
  );
}

/** A trigger before and after the apply. */
export function trigger(
  { before, values }: Resource,
  name: string,
): { readonly before: string | undefined; readonly after: string | undefined } {
  return {
    before: text(own(before, "triggers"), name),
    after: text(own(values, "triggers"), name),
  };
}

/** Why Terraform runs a step, as far as it is not a trigger that changed. */
export type Occasion =
  "first" | "trigger" | "failed before" | "requested" | "unknown";

/**
 * Why a step runs; undefined when it does not. A step that failed leaves a
 * tainted resource, or none at all.
 */
export function occasion({ resource }: Step): Occasion | undefined {
  const { before, values, unknown, actionReason } = resource;
  if (!isCreated(resource)) return undefined;
  if (actionReason === "replace_because_tainted") return "failed before";
  if (actionReason === "replace_by_request") return "requested";
  if (before === null) return "first";
  const [was, becomes] = [own(before, "triggers"), own(values, "triggers")];
  const open = own(unknown, "triggers");
  return JSON.stringify(was) !== JSON.stringify(becomes) ||
    (isObject(open) && Object.keys(open).length > 0)
    ? "trigger"
    : "unknown";
}
