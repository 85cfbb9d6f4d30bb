import { type MonthlyCost, monthlyCost } from "../cost/monthly-cost";
import { NOT_INCLUDED, priceDate, type PriceDate } from "../cost/price-table";
import { isCreated, isDeleted, type Plan } from "../resource";
import { type ImageBuild, imageBuilds } from "./image-builds";
import { type Removals, removals } from "./removals";
import { type ServedVersion, servedVersions } from "./served-versions";
import { type Training, trainingBound, trainings } from "./trainings";

/** What an apply of a plan will do, for people who have to approve it. */
export interface ApplySummary {
  /** Why the rest may be missing something: the plan's own faults. */
  readonly faults: readonly string[];
  readonly counts: {
    readonly create: number;
    readonly update: number;
    readonly replace: number;
    readonly delete: number;
  };
  readonly builds: readonly ImageBuild[];
  readonly trainings: readonly Training[];
  readonly served: readonly ServedVersion[];
  readonly removals: Removals;

  /** US dollars of one execution of all that train. */
  readonly trainingBound: number | undefined;
  readonly serving: MonthlyCost;
  readonly prices: PriceDate;

  /** What is paid beside. */
  readonly notIncluded: readonly string[];
}

/** What is known beside the plan. */
export interface Knowledge {
  /**
   * `metrics.json` of each model's last run, by the model's name.
   *
   * @default - expected costs of a training are not known
   */
  readonly metrics?: Readonly<Record<string, unknown>>;

  /**
   * The day on which the prices' age counts.
   *
   * @default - today
   */
  readonly today?: Date;
}

/** Everything that a plan says about its apply. */
export function applySummary(
  plan: Plan,
  { metrics = {}, today = new Date() }: Knowledge = {},
): ApplySummary {
  const managed = plan.resources.filter(({ mode }) => mode === "managed");
  const count = (matches: (resource: (typeof managed)[number]) => boolean) =>
    managed.filter(matches).length;
  const trained = trainings(plan, metrics);
  return {
    faults: plan.faults,
    counts: {
      create: count((r) => isCreated(r) && !isDeleted(r)),
      update: count(({ actions }) => actions.includes("update")),
      replace: count((r) => isCreated(r) && isDeleted(r)),
      delete: count((r) => isDeleted(r) && !isCreated(r)),
    },
    builds: imageBuilds(plan),
    trainings: trained,
    served: servedVersions(plan),
    removals: removals(plan),
    trainingBound: trainingBound(trained),
    serving: monthlyCost(plan),
    prices: priceDate(today),
    notIncluded: NOT_INCLUDED,
  };
}
