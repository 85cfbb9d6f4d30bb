import { type Configured, withoutIndexes } from "./configuration";
import { isObject, type Json, listOf, own, text } from "./json";
import type { Resource } from "./resource";

/** Reasons why a plan is no basis for a judgement. */
export function planFaults(
  json: Json,
  resources: readonly Resource[],
  configured: ReadonlyMap<string, Configured>,
): string[] {
  return [
    ...ofThePlan(json),
    ...undescribed(listOf(own(json, "resource_changes"))),
    ...unconfigured(resources, configured),
  ];
}

/** Fails closed: what is not said to be whole is not. */
function ofThePlan(json: Json): string[] {
  const deferred = listOf(own(json, "deferred_changes")).length;
  const failed = listOf(own(json, "checks")).filter((check) =>
    ["fail", "error"].includes(text(check, "status") ?? ""),
  ).length;
  // Of Terraform 1.14 and later: programs, among others.
  const actions = ["action_invocations", "deferred_action_invocations"].flatMap(
    (key) => listOf(own(json, key)),
  ).length;
  return [
    own(json, "errored") === false ? [] : ["the plan ended with an error"],
    own(json, "complete") === true
      ? []
      : ["the plan is not complete: applying it leaves changes for later"],
    own(json, "applyable") === true && !own(json, "resource_changes")
      ? ["the plan has something to apply, but no resource_changes"]
      : [],
    deferred > 0 ? [`${deferred} changes are deferred to a later plan`] : [],
    actions > 0
      ? [`${actions} actions are invoked, and no rule knows what they do`]
      : [],
    failed > 0 ? [`${failed} of the configuration's own checks fail`] : [],
  ].flat();
}

/** What is made and not described cannot be judged. */
function undescribed(changes: readonly unknown[]): string[] {
  return changes.flatMap((entry) => {
    const change = own(entry, "change");
    const goes = ["delete", "forget"].includes(String(own(change, "actions")));
    const mirror = own(change, "after_unknown") ?? {};
    return goes || (isObject(own(change, "after")) && isObject(mirror))
      ? []
      : [`the plan does not say what ${text(entry, "address")} will be`];
  });
}

/** Commands stand in the configuration alone: without it nothing is known of them. */
function unconfigured(
  resources: readonly Resource[],
  configured: ReadonlyMap<string, Configured>,
): string[] {
  return resources
    .filter(
      ({ mode, actions, address }) =>
        mode === "managed" &&
        actions.includes("create") &&
        !configured.has(withoutIndexes(address)),
    )
    .map(
      ({ address }) =>
        `${address} is created but not in the plan's configuration`,
    );
}
