import type { Rule } from "../rule";
import { PROTECTED } from "./g04-deletes";

/** What leaves Terraform, comes in or moves is named, because nothing is created where a reviewer looks. */
export const leavesManagement: Rule = {
  id: "G05",
  title: "nothing leaves, enters or moves unseen",
  why: "A forgotten resource stays, is paid for and is guarded by nobody.",
  page: "https://developer.hashicorp.com/terraform/language/resources/syntax#removing-resources",
  check: ({ resources }) =>
    resources.flatMap(
      ({ address, type, actions, previousAddress, importing }) => [
        ...(PROTECTED.has(type) && actions.includes("forget")
          ? [
              {
                level: "flag" as const,
                address,
                message:
                  "leaves Terraform's management and stays in the project",
                change: "say who looks after it from now on",
              },
            ]
          : []),
        ...(previousAddress === undefined
          ? []
          : [
              {
                level: "flag" as const,
                address,
                message: `moved from ${previousAddress}`,
                change: "compare the two addresses",
              },
            ]),
        ...(importing
          ? [
              {
                level: "flag" as const,
                address,
                message: "an existing resource is imported",
                change: "make sure that nothing else manages it",
              },
            ]
          : []),
      ],
    ),
};
