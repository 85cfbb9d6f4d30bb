import { attributes } from "./attribute";
import { listOf, own } from "./json";
import type { Resource } from "./resource";

/** Days after which nothing of a temporary bucket is left. */
const TEMPORARY_DAYS = 7;

/**
 * Whether a bucket deletes whatever is in it within days, such as the sources of
 * image builds: there is nothing in it to lose.
 *
 * @see https://cloud.google.com/storage/docs/lifecycle
 */
export function isTemporary({ values }: Resource): boolean {
  return listOf(own(values, "lifecycle_rule")).some((rule) => {
    const [action] = listOf(own(rule, "action"));
    const [condition] = listOf(own(rule, "condition"));
    const age = own(condition, "age");
    return (
      own(action, "type") === "Delete" &&
      typeof age === "number" &&
      age <= TEMPORARY_DAYS &&
      NARROWING.every((key) => isEmpty(own(condition, key)))
    );
  });
}

/** Conditions that spare some objects. */
const NARROWING = [
  ...["matches_prefix", "matches_suffix", "matches_storage_class"],
  ...["created_before", "custom_time_before", "noncurrent_time_before"],
  ...["num_newer_versions", "days_since_noncurrent_time", "with_state"],
  "days_since_custom_time",
];

function isEmpty(value: unknown): boolean {
  return (
    [undefined, null, "", 0, "ANY"].includes(value as null) ||
    (Array.isArray(value) && value.length === 0)
  );
}

/** Whether a flag of a resource is set, and whether that is known. */
export function flag(
  resource: Resource,
  path: readonly string[],
): { on: boolean; known: boolean; path: string } {
  const [found] = attributes(resource, path);
  return {
    on: isTrue(found?.value),
    known: found?.known ?? true,
    path: found?.path ?? path.join("."),
  };
}

/** Terraform takes the text for the value. */
export function isTrue(value: unknown): boolean {
  return value === true || value === "true";
}
