import { attribute } from "../attribute";
import { monthlyCost, type ServingCostChange } from "../cost/monthly-cost";
import { type Plan, remains } from "../resource";
import { type Observation, type Rule, unknownAttribute } from "../rule";

/** GPUs that wait for questions all month are meant to, and fit the budget. */
export const idleGpus: Rule = {
  id: "G10",
  title: "GPUs that never stop are meant, and within the budget",
  why: "An instance that always runs is billed at its full rate, asked or not.",
  page: "https://cloud.google.com/run/docs/configuring/min-instances",
  check(plan) {
    const resources = plan.resources.filter(remains);
    const { services, after } = monthlyCost({ ...plan, resources });
    const budget = monthlyBudget(plan);
    const above =
      budget !== undefined && after.floor !== undefined && after.floor > budget;
    return services.flatMap((service): Observation[] => {
      const resource = resources.find((r) => r.address === service.address);
      if (resource === undefined) return [];
      const { minimum } = service;
      if (minimum === undefined) {
        return plan.kind === "plan"
          ? [unknownAttribute(resource, { path: PATH }, "G10")]
          : [];
      }
      if (!minimum) return [];
      return [
        {
          level: above ? "block" : "flag",
          address: service.address,
          attribute: PATH,
          message: `${minimum} always ${minimum === 1 ? "runs" : "run"}${price(service)}${
            above ? `; all together are above the budget of ${budget}` : ""
          }`,
          change: above
            ? "lower serving.minInstances, or raise budget.amount to what you mean to spend"
            : "set serving.minInstances to 0, unless a cold start is worse than the bill",
        },
      ];
    });
  },
};

const PATH = "template.scaling.min_instance_count";

function price({ after: { floor } }: ServingCostChange): string {
  return floor === undefined
    ? " (no price is known for it)"
    : `, about ${Math.round(floor)} US dollars a month`;
}

/** The smallest budget in US dollars, the currency of the price table. */
function monthlyBudget({ resources }: Plan): number | undefined {
  const amounts = resources
    .filter((r) => r.type === "google_billing_budget" && remains(r))
    .filter(
      (r) =>
        attribute(r, ["amount", "specified_amount", "currency_code"])?.value ===
        "USD",
    )
    .map((r) =>
      Number(attribute(r, ["amount", "specified_amount", "units"])?.value),
    )
    .filter((amount) => amount > 0);
  return amounts.length === 0 ? undefined : Math.min(...amounts);
}
