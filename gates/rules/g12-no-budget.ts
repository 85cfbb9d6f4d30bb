import { WHOLE_PLAN } from "../finding";
import { remains } from "../resource";
import type { Rule } from "../rule";
import { gpus, workloads } from "../workload";

/** Where GPUs run, somebody is told when they cost more than was meant. */
export const noBudget: Rule = {
  id: "G12",
  title: "a budget where there are GPUs",
  why: "A budget alerts, up to a day late, and stops nothing; without one nobody is told at all.",
  page: "https://cloud.google.com/billing/docs/how-to/budgets",
  check: (plan, { production }) =>
    plan.resources.some(
      (r) => r.type === "google_billing_budget" && remains(r),
    ) || !workloads(plan).some((workload) => gpus(workload) !== undefined)
      ? []
      : [
          {
            level: production ? "block" : "flag",
            address: WHOLE_PLAN,
            message: "there are GPUs and no google_billing_budget",
            change:
              'set budget to what a month may cost, such as {"amount": 500}',
          },
        ],
};
