import { flag } from "../bucket";
import { type Rule, unknownAttribute } from "../rule";
import { workloads } from "../workload";

/** A service keeps asking for IAM: without the check it is public at once. */
export const invokerCheckOff: Rule = {
  id: "G02",
  title: "the invoker check stays on",
  why: "With invoker_iam_disabled a service is public, without any allUsers in sight.",
  page: "https://cloud.google.com/run/docs/authenticating/public#invoker_check",
  check: (plan) =>
    workloads(plan).flatMap(({ resource }) =>
      PLACES.flatMap((place) => {
        const { on, known, path } = flag(resource, place);
        if (!known) {
          return plan.kind === "plan"
            ? [unknownAttribute(resource, { path }, "G02")]
            : [];
        }
        return on
          ? [
              {
                level: "block" as const,
                address: resource.address,
                attribute: path,
                message: "the invoker check is switched off",
                change:
                  "leave it out, and grant roles/run.invoker to whoever may call",
              },
            ]
          : [];
      }),
    ),
};

const PLACES = [
  ["invoker_iam_disabled"],
  // The first version of the API has an annotation instead.
  ["metadata", "annotations", "run.googleapis.com/invoker-iam-disabled"],
];
