import { WHOLE_PLAN } from "../finding";
import type { Rule } from "../rule";

/** A plan that is broken, cut short or partly unknown is no basis for a yes. */
export const readablePlan: Rule = {
  id: "G00",
  title: "the plan is whole, and every rule can tell",
  why: "A gate that passes what it cannot judge is no gate.",
  page: "https://developer.hashicorp.com/terraform/internals/json-format",
  // Other rules add what they could not tell under this id.
  check: ({ faults }) =>
    faults.map((fault) => ({
      level: "block",
      address: WHOLE_PLAN,
      message: fault,
      change: "make a new plan, and let it end without errors",
    })),
};
