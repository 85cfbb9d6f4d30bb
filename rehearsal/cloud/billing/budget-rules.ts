import type { Cloud } from "../cloud";
import type { Json } from "../state";

const MOST_CHANNELS = 5;

/**
 * What the Budget API refuses beyond what its discovery document says, by the descriptions of the fields.
 *
 * @param currency - of the budget as it is, which an update cannot change; else the account's
 * @see https://cloud.google.com/billing/docs/reference/budget/rest/v1/billingAccounts.budgets
 */
export function budgetProblems(
  cloud: Cloud,
  budget: Json,
  currency: string,
): string[] {
  const { displayName = "", amount = {}, budgetFilter = {} } = budget;
  return [
    ...(displayName.length > 60
      ? ["display_name: must be 60 characters or less."]
      : []),
    ...amountProblems(amount, currency),
    ...periodProblems(budget),
    ...(budgetFilter.projects ?? []).flatMap((project: string) =>
      isOwnProject(cloud, project)
        ? []
        : [
            `budget_filter.projects: '${project}' is not a project that this billing account pays for.`,
          ],
    ),
    ...(budget["thresholdRules"] ?? []).flatMap(({ thresholdPercent }: Json) =>
      thresholdPercent >= 0
        ? []
        : ["threshold_rules.threshold_percent: must not be negative."],
    ),
    ...notificationProblems(cloud, budget),
  ];
}

function amountProblems(amount: Json, currency: string): string[] {
  const { specifiedAmount: money, lastPeriodAmount } = amount;
  if ((money === undefined) === (lastPeriodAmount === undefined)) {
    return [
      "amount: one of specified_amount and last_period_amount must be set.",
    ];
  }
  if (money === undefined) return [];
  const units = Number(money.units ?? 0);
  const nanos = Number(money.nanos ?? 0);
  return [
    ...(units < 0 || nanos < 0 || nanos > 999_999_999
      ? ["amount.specified_amount: must not be negative."]
      : []),
    ...(money.currencyCode && money.currencyCode !== currency
      ? [
          `amount.specified_amount.currency_code: '${money.currencyCode}' must match the currency of the billing account, ${currency}.`,
        ]
      : []),
  ];
}

/** Some things are known for calendar periods only. */
function periodProblems({ budgetFilter = {}, amount, thresholdRules }: Json) {
  const { customPeriod, calendarPeriod, creditTypes = [] } = budgetFilter;
  const forecasts = (thresholdRules ?? []).some(
    ({ spendBasis }: Json) => spendBasis === "FORECASTED_SPEND",
  );
  return [
    ...(customPeriod && calendarPeriod
      ? [
          "budget_filter: only one of calendar_period and custom_period can be set.",
        ]
      : []),
    ...(customPeriod && (forecasts || amount?.lastPeriodAmount)
      ? [
          "budget_filter.custom_period: cannot be set with last_period_amount or FORECASTED_SPEND.",
        ]
      : []),
    ...(creditTypes.length > 0 &&
    budgetFilter.creditTypesTreatment !== "INCLUDE_SPECIFIED_CREDITS"
      ? [
          "budget_filter.credit_types: must be empty unless credit_types_treatment is INCLUDE_SPECIFIED_CREDITS.",
        ]
      : []),
  ];
}

function notificationProblems(
  { state }: Cloud,
  { notificationsRule = {}, thresholdRules = [] }: Json,
): string[] {
  const channels: string[] =
    notificationsRule.monitoringNotificationChannels ?? [];
  const { pubsubTopic, schemaVersion } = notificationsRule;
  return [
    ...(channels.length > MOST_CHANNELS
      ? [
          `notifications_rule.monitoring_notification_channels: at most ${MOST_CHANNELS} are allowed.`,
        ]
      : []),
    ...channels.flatMap((name) =>
      state.kept[name]?.["type"] === "email"
        ? []
        : [
            `notifications_rule.monitoring_notification_channels: '${name}' is not an email notification channel.`,
          ],
    ),
    ...(channels.length > 0 && thresholdRules.length === 0
      ? ["threshold_rules: required with email notifications."]
      : []),
    ...(pubsubTopic && !/^projects\/[^/]+\/topics\/[^/]+$/.test(pubsubTopic)
      ? [
          "notifications_rule.pubsub_topic: must be projects/{project_id}/topics/{topic_id}.",
        ]
      : []),
    ...((schemaVersion ?? (pubsubTopic ? "" : "1.0")) === "1.0"
      ? []
      : ['notifications_rule.schema_version: only "1.0" is accepted.']),
  ];
}

/** By id or number. */
export function isOwnProject({ settings }: Cloud, name: string): boolean {
  const { project, projectNumber } = settings;
  return [`projects/${project}`, `projects/${projectNumber}`].includes(name);
}
