import { listOf, own } from "../json";
import { isCreated, isDeleted, type Plan, type Resource } from "../resource";

/** A resource that is destroyed, by itself or to be made anew. */
export interface Removal {
  readonly address: string;
  readonly type: string;

  /** Its name in the cloud, where it has one. */
  readonly name: string;

  /** Why, in words. */
  readonly why: string;

  /** The arguments that force a replacement, such as `location`. */
  readonly arguments: readonly string[];
}

/** What goes, what is made anew and what leaves the stack without being destroyed. */
export interface Removals {
  readonly deleted: readonly Removal[];
  readonly replaced: readonly Removal[];
  readonly forgotten: readonly Removal[];
}

/** Steps hold nothing that could be destroyed. */
const STEPS = ["null_resource", "terraform_data"];

/** What a plan takes away. */
export function removals({ resources }: Plan): Removals {
  const real = resources.filter(
    (resource) => resource.mode === "managed" && !STEPS.includes(resource.type),
  );
  const pick = (matches: (resource: Resource) => boolean) =>
    real.filter(matches).map(removal);
  return {
    deleted: pick((r) => isDeleted(r) && !isCreated(r)),
    replaced: pick((r) => isDeleted(r) && isCreated(r)),
    forgotten: pick(({ actions }) => actions.includes("forget")),
  };
}

function removal(resource: Resource): Removal {
  const { address, type, before } = resource;
  const name = NAMES.map((key) => own(before, key)).find(
    (value): value is string => typeof value === "string",
  );
  return {
    address,
    type,
    name: name ?? resource.name,
    why: why(resource),
    arguments: resource.replacePaths.map((path) => listOf(path).join(".")),
  };
}

const NAMES = ["name", "secret_id", "repository_id", "account_id", "service"];

/** @see https://developer.hashicorp.com/terraform/internals/json-format#plan-representation */
const REASONS: Readonly<Record<string, string>> = {
  replace_because_tainted: "an earlier apply left it half made",
  replace_because_cannot_update: "it cannot be changed in place",
  replace_by_request: "its replacement was asked for",
  replace_by_triggers: "something that it follows is replaced",
  delete_because_no_resource_config: "it is no longer in the stack",
  delete_because_no_module: "its module is no longer in the stack",
  delete_because_wrong_repetition: "its count or for_each changed",
  delete_because_count_index: "its count became smaller",
  delete_because_each_key: "its key is gone from for_each",
  delete_because_no_move_target: "what it was moved to is not there",
};

function why({ actionReason, deposed }: Resource): string {
  if (deposed !== undefined) return "an interrupted replacement left it behind";
  return REASONS[actionReason ?? ""] ?? "the plan does not say why";
}
