import { attributes } from "../attribute";
import { monthlyCost, type ServingCostChange } from "../cost/monthly-cost";
import { remains, type Resource } from "../resource";
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
    const amounts = resources.flatMap(budgetAmounts);
    const budget = smallest(amounts);
    const above =
      budget !== undefined && after.floor !== undefined && after.floor > budget;
    const idle = services.flatMap((service): Observation[] => {
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
            above
              ? `; all together are above the budget of ${budget}`
              : amounts.length > 0 && budget === undefined
                ? "; the budget is not in US dollars and was not compared"
                : ""
          }`,
          change: above
            ? "lower serving.minInstances, or raise budget.amount to what you mean to spend"
            : "set serving.minInstances to 0, unless a cold start is worse than the bill",
        },
      ];
    });
    const open = amounts.find(({ known }) => !known);
    return idle.length === 0 || open === undefined
      ? idle
      : [...idle, unknownAttribute(open, open, "G10")];
  },
};

const PATH = "template.scaling.min_instance_count";

function price({ after: { floor } }: ServingCostChange): string {
  return floor === undefined
    ? " (no price is known for it)"
    : `, about ${Math.round(floor)} US dollars a month`;
}

/** What a budget says of its amount; of none for anything else. */
function budgetAmounts(resource: Resource) {
  if (resource.type !== "google_billing_budget") return [];
  return ["currency_code", "units"].flatMap((key) =>
    attributes(resource, ["amount", "specified_amount", key]).map((found) => ({
      ...found,
      key,
      address: resource.address,
    })),
  );
}

/** In US dollars, the currency of the price table: no other is compared. */
function smallest(
  amounts: ReturnType<typeof budgetAmounts>,
): number | undefined {
  const units = amounts
    .filter(
      ({ key, address }) =>
        key === "units" &&
        amounts.some((a) => a.address === address && a.value === "USD"),
    )
    .map(({ value }) => Number(value))
    .filter((amount) => amount > 0);
  return units.length === 0 ? undefined : Math.min(...units);
}
