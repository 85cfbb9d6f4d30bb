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
    before: text(triggers(before), name),
    after: text(triggers(values), name),
  };
}

/** Triggers of a null resource, or of what follows it in Terraform itself. */
function triggers(values: unknown): unknown {
  return own(values, "triggers") ?? own(values, "triggers_replace");
}

/** What changes of them, as `run_id was A, becomes B`. */
export function changedTriggers(resource: Resource): string[] {
  const names = [resource.before, resource.values, resource.unknown].flatMap(
    (values) => Object.keys(objectOf(triggers(values))),
  );
  return [...new Set(names)].flatMap((name) => {
    const { before, after } = trigger(resource, name);
    return before === after
      ? []
      : [
          `${name} was ${before ?? "not set"}, becomes ${after ?? "(not known yet)"}`,
        ];
  });
}

/** Why Terraform runs a step, as far as it is not a trigger that changed. */
export type Occasion =
  | "first"
  | "trigger"
  | "failed before"
  | "requested"
  | "unknown";

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
  const [was, becomes] = [triggers(before), triggers(values)];
  const open = triggers(unknown);
  return JSON.stringify(was) !== JSON.stringify(becomes) ||
    (isObject(open) && Object.keys(open).length > 0)
    ? "trigger"
    : "unknown";
}
