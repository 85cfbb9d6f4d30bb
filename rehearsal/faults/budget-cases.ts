import type { FaultCase } from "./fault-case";

/**
 * Budgets and channels have no names of their own: a second creation does not fail, but makes a second
 * one. So the user goes on with npm run recover, which knows them by their display names.
 */
const lost = (what: string, method: string, prints: RegExp): FaultCase => ({
  name: `provider: lost answer to ${what}`,
  environment: { budget: { amount: 100, emails: ["ada@example.com"] } },
  faults: [`${method}=lost`],
  prints: [prints],
  ends: "to recover",
});

/** What goes wrong with the budget and who is told of it. */
export const BUDGET_CASES: readonly FaultCase[] = [
  lost(
    "the budget",
    "billingbudgets.billingAccounts.budgets.create",
    /creating Budget: .*EOF/,
  ),
  lost(
    "who is told of the budget",
    "monitoring.projects.notificationChannels.create",
    /creating NotificationChannel: .*EOF/,
  ),
];
