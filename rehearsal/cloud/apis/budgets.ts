import { randomUUID } from "node:crypto";
import { ApiError } from "../api-error";
import { budgetProblems, isOwnProject } from "../billing/budget-rules";
import type { Call, Handlers } from "../call";
import type { Cloud } from "../cloud";
import { withMask } from "../field-mask";
import { etag } from "../identifiers";
import { queriedPage } from "../page-of";
import type { Json } from "../state";
import { existingAccount } from "./billing";

/**
 * Budgets are kept, and nobody is told of anything: nothing is spent.
 *
 * @see https://cloud.google.com/billing/docs/reference/budget/rest/v1/billingAccounts.budgets
 */
export const budgets: Handlers = {
  "billingbudgets.billingAccounts.budgets.list": (call, cloud) => {
    const account = existingAccount(cloud, call.path["parent"]!);
    const all = Object.values(cloud.state.kept).filter(({ name }) =>
      name.startsWith(`${account}/budgets/`),
    );
    const { items, next } = queriedPage(all, call, 100);
    return { ...(items.length > 0 ? { budgets: items } : {}), ...next };
  },

  "billingbudgets.billingAccounts.budgets.create": ({ path, body }, cloud) => {
    const account = existingAccount(cloud, path["parent"]!);
    return save(cloud, `${account}/budgets/${randomUUID()}`, body);
  },

  "billingbudgets.billingAccounts.budgets.get": (call, cloud) =>
    existing(call, cloud),

  "billingbudgets.billingAccounts.budgets.patch": (call, cloud) => {
    const present = existing(call, cloud);
    const { etag: seen, ...asked } = call.body;
    if (seen && seen !== present["etag"]) {
      throw new ApiError(
        409,
        "The budget was changed since it was read: its etag is another one.",
        { status: "ABORTED" },
      );
    }
    // Without a mask: what has a value in the request. https://google.aip.dev/134
    const mask = call.query.get("updateMask") || Object.keys(asked).join();
    return save(
      cloud,
      present["name"],
      withMask(present, asked, mask),
      present["amount"].specifiedAmount?.currencyCode,
    );
  },

  "billingbudgets.billingAccounts.budgets.delete": (call, cloud) => {
    delete cloud.state.kept[existing(call, cloud)["name"]];
    return {};
  },
};

/** @throws ApiError with everything that is not allowed */
function save(
  cloud: Cloud,
  name: string,
  asked: Json,
  currency = cloud.settings.billingCurrency,
): Json {
  const problems = budgetProblems(cloud, asked, currency);
  if (problems.length > 0) {
    throw new ApiError(400, problems.join("\n"));
  }
  const budget = { ...structuredClone(asked), name, etag: etag() };
  complete(cloud, budget, currency);
  cloud.state.kept[name] = budget;
  return budget;
}

/** What Google adds of its own, and how it names projects. */
function complete(cloud: Cloud, budget: Json, currency: string): void {
  const { projectNumber } = cloud.settings;
  const filter = (budget["budgetFilter"] ??= {});
  filter.creditTypesTreatment ??= "INCLUDE_ALL_CREDITS";
  if (!filter.customPeriod) filter.calendarPeriod ??= "MONTH";
  filter.projects = filter.projects?.map((project: string) =>
    isOwnProject(cloud, project) ? `projects/${projectNumber}` : project,
  );
  const money = budget["amount"].specifiedAmount;
  if (money) money.currencyCode ??= currency;
  for (const rule of budget["thresholdRules"] ?? []) {
    rule.spendBasis ??= "CURRENT_SPEND";
  }
}

function existing({ path }: Call, cloud: Cloud): Json {
  const name = path["name"]!;
  existingAccount(cloud, name);
  const found = cloud.state.kept[name];
  if (found === undefined) {
    throw new ApiError(404, "Requested entity was not found.");
  }
  return found;
}
