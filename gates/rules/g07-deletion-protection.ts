import { attribute } from "../attribute";
import { isTrue } from "../bucket";
import { own } from "../json";
import { remains } from "../resource";
import { type Rule, unknownAttribute } from "../rule";

/**
 * In production, service and secret are protected from deletion. The job is not:
 * nothing is lost with it, and one that failed to come up could not be replaced.
 */
export const deletionProtection: Rule = {
  id: "G07",
  title: "deletion protection of service and secret",
  why: "Without it one wrong apply takes the address that callers use, or the token.",
  page: "https://cloud.google.com/run/docs/managing/services#delete",
  check: ({ resources, kind }, { production }) =>
    resources
      .filter((r) => TYPES.includes(r.type) && remains(r))
      .flatMap((resource) => {
        const { address, before } = resource;
        const found = attribute(resource, [KEY]);
        if (found !== undefined && !found.known && kind === "plan") {
          return [unknownAttribute(resource, found, "G07")];
        }
        if (isTrue(found?.value)) return [];
        const lifted = own(before, KEY) === true;
        return [
          {
            level: production ? ("block" as const) : ("flag" as const),
            address,
            attribute: KEY,
            message: lifted
              ? "deletion protection is lifted"
              : "deletion protection is off",
            change: `set ${SETTING[resource.type]} to true`,
          },
        ];
      }),
};

const KEY = "deletion_protection";
const SETTING: Readonly<Record<string, string>> = {
  google_cloud_run_v2_service: "serving.deletionProtection",
  google_secret_manager_secret: "token.deletionProtection",
};
const TYPES = Object.keys(SETTING);
