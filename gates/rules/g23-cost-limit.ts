import { trainingBound, trainings } from "../apply-summary/trainings";
import { monthlyCost } from "../cost/monthly-cost";
import { WHOLE_PLAN } from "../finding";
import type { Observation, Rule } from "../rule";

/** An apply costs no more than was agreed, a month and for its trainings. */
export const costLimit: Rule = {
  id: "G23",
  title: "costs within --cost-limit",
  why: "What an apply can come to is decided before it, not on the bill.",
  page: "https://cloud.google.com/run/pricing",
  check(plan, { costLimit: limit }) {
    if (limit === undefined) return [];
    const { before, after } = monthlyCost(plan);
    const more =
      before.ceiling === undefined || after.ceiling === undefined
        ? undefined
        : after.ceiling - before.ceiling;
    return [
      ...compare(
        more,
        limit,
        "serving costs up to $ more a month",
        "lower serving.maxInstances",
      ),
      ...compare(
        trainingBound(trainings(plan, {})),
        limit,
        "training costs up to $",
        "lower training.timeoutSeconds or training.retries",
      ),
    ];
  },
};

function compare(
  cost: number | undefined,
  limit: number,
  what: string,
  change: string,
): Observation[] {
  if (cost !== undefined && cost <= limit) return [];
  const found = {
    level: "block" as const,
    address: WHOLE_PLAN,
    change: `${change}, or judge with a higher --cost-limit`,
  };
  return cost === undefined
    ? [
        {
          ...found,
          cannotTell: true,
          message: `${what.replace("$", "an unknown sum")}: G23 knows no price for all of it`,
        },
      ]
    : [
        {
          ...found,
          message: `${what.replace("$", `${Math.round(cost * 100) / 100} US dollars`)}, the limit is ${limit}`,
        },
      ];
}
