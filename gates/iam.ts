import { type Attribute, attributes, leaves } from "./attribute";
import { listOf, own } from "./json";
import type { Resource } from "./resource";

const IAM = /^google_\w+_iam_(member|binding|policy)$/;

/** Whether a resource grants roles, or writes them down as `google_iam_policy`. */
export function grants({ type }: Resource): boolean {
  return IAM.test(type) || type === "google_iam_policy";
}

/** The members that a resource grants something to, unknown ones included. */
export function members(resource: Resource): Attribute[] {
  return [
    ...attributes(resource, ["member"]),
    ...attributes(resource, ["members"]),
    ...attributes(resource, ["binding", "members"]),
    ...policyMembers(resource),
  ];
}

/** Members inside `policy_data`, which is JSON as text. */
function policyMembers(resource: Resource): Attribute[] {
  return attributes(resource, ["policy_data"]).flatMap((policy) => {
    if (!policy.known) return [policy];
    try {
      const bindings = listOf(
        own(JSON.parse(String(policy.value)), "bindings"),
      );
      return leaves(bindings.map((b) => own(b, "members"))).map(
        ({ value }) => ({
          path: policy.path,
          value,
          known: true,
        }),
      );
    } catch {
      return [{ path: policy.path, known: false }];
    }
  });
}

/**
 * Whether a member is everybody: on the internet, or with a Google account.
 *
 * @see https://cloud.google.com/iam/docs/principals-overview
 */
export function isEverybody(member: unknown): boolean {
  return ["allusers", "allauthenticatedusers"].includes(
    String(member).trim().toLowerCase(),
  );
}
