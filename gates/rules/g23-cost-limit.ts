import { trainings } from "../apply-summary/trainings";
import { monthlyCost } from "../cost/monthly-cost";
import { WHOLE_PLAN } from "../finding";
import type { Plan } from "../resource";
import type { Observation, Rule } from "../rule";

/** An apply costs no more than was agreed, a month and for its trainings. */
export const costLimit: Rule = {
  id: "G23",
  title: "costs within --cost-limit",
  why: "What an apply can come to is decided before it, not on the bill.",
  page: "https://cloud.google.com/run/pricing",
  check(plan, { costLimit: limit }) {
    if (limit === undefined) return [];
    return [
      ...compare(
        servingCosts(plan),
        limit,
        (cost) => `serving costs up to ${cost} more a month`,
        "lower serving.maxInstances",
      ),
      ...compare(
        trainings(plan, {})
          .filter(({ pinned }) => !pinned)
          .map(({ address, cost }) => ({ address, cost: cost.upperBound })),
        limit,
        (cost) => `training costs up to ${cost}`,
        "lower training.timeoutSeconds or training.retries",
      ),
    ];
  },
};

/** US dollars of one resource; undefined where not known. */
interface Cost {
  readonly address: string;
  readonly cost: number | undefined;
}

/** What a month may cost more. What nobody touches costs what it did. */
function servingCosts(plan: Plan): Cost[] {
  const same = new Set(
    plan.resources
      .filter(({ actions }) => actions.join() === "no-op")
      .map(({ address }) => address),
  );
  return monthlyCost(plan)
    .services.filter(({ address }) => !same.has(address))
    .map(({ address, before, after }) => ({
      address,
      cost:
        before.ceiling === undefined || after.ceiling === undefined
          ? undefined
          : after.ceiling - before.ceiling,
    }));
}

function compare(
  costs: readonly Cost[],
  limit: number,
  says: (cost: string) => string,
  change: string,
): Observation[] {
  const sum = costs.reduce((total, { cost }) => total + (cost ?? 0), 0);
  return [
    ...costs
      .filter(({ cost }) => cost === undefined)
      .map(
        ({ address }): Observation => ({
          level: "block",
          address,
          cannotTell: true,
          message: `${says("an unknown sum")}: G23 knows no price for it`,
          change: `${change}, or agree on a waiver`,
        }),
      ),
    ...(sum <= limit
      ? []
      : [
          {
            level: "block" as const,
            address: WHOLE_PLAN,
            message: `${says(`${Math.round(sum * 100) / 100} US dollars`)}, the limit is ${limit}`,
            change: `${change}, or judge with a higher --cost-limit`,
          },
        ]),
  ];
}
