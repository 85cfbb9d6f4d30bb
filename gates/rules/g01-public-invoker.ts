import { grants, isEverybody, members } from "../iam";
import { remains } from "../resource";
import { type Rule, unknownAttribute } from "../rule";

/**
 * Nobody grants a role to everybody: a public GPU service is paid for by its
 * owner and used by anyone. (Buckets are G08's.)
 */
export const publicInvoker: Rule = {
  id: "G01",
  title: "no role for allUsers or allAuthenticatedUsers",
  why: "Anybody on the internet could call the service at your cost.",
  page: "https://cloud.google.com/run/docs/authenticating/public",
  check: ({ resources, kind }) =>
    resources
      .filter((r) => grants(r) && remains(r) && !r.type.includes("_storage_"))
      .flatMap((resource) =>
        members(resource).flatMap((member) => {
          if (!member.known) {
            return kind === "plan" && resource.mode === "managed"
              ? [unknownAttribute(resource, member, "G01")]
              : [];
          }
          return isEverybody(member.value)
            ? [
                {
                  level: "block" as const,
                  address: resource.address,
                  attribute: member.path,
                  message: `${String(member.value)} gets a role`,
                  change:
                    "name the callers: a user, a group, a service account (serving.invokers)",
                },
              ]
            : [];
        }),
      ),
};
