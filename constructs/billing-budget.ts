import { BillingBudget as Resource } from "@cdktf/provider-google/lib/billing-budget";
import { DataGoogleProject } from "@cdktf/provider-google/lib/data-google-project";
import { MonitoringNotificationChannel } from "@cdktf/provider-google/lib/monitoring-notification-channel";
import { GoogleProvider } from "@cdktf/provider-google/lib/provider";
import type { ITerraformDependable } from "cdktf";
import { Construct } from "constructs";
import type { Budget } from "./budget-settings";

/** Properties for a `BillingBudget`. */
export interface BillingBudgetProps {
  readonly projectId: string;

  /** What the budget is called in the console. */
  readonly displayName: string;

  readonly budget: Budget;

  /** What must exist before it. */
  readonly dependsOn: ITerraformDependable[];
}

/** APIs that a budget needs beside the stack's own. */
export function budgetApis({ emails }: Budget): string[] {
  return [
    ...["cloudresourcemanager", "cloudbilling", "billingbudgets"],
    ...(emails.length > 0 ? ["monitoring"] : []),
  ];
}

/**
 * A budget over the project. It tells people what is spent, up to a day late,
 * and stops nothing.
 *
 * @see https://cloud.google.com/billing/docs/how-to/budgets
 */
export class BillingBudget extends Construct {
  public constructor(scope: Construct, id: string, props: BillingBudgetProps) {
    super(scope, id);
    const { projectId, budget, dependsOn } = props;

    // The Budget API counts calls to a project of the caller, and refuses a
    // person's credentials that name none. Nothing else wants this.
    const provider = new GoogleProvider(this, "provider", {
      alias: "billing",
      project: projectId,
      userProjectOverride: true,
      billingProject: projectId,
    });
    // The filter takes the number alone: an id would differ at every plan.
    const project = new DataGoogleProject(this, "project", {
      projectId,
      provider,
      dependsOn,
    });
    const channels = budget.emails.map(
      (email) =>
        new MonitoringNotificationChannel(this, `email-${email}`, {
          project: projectId,
          displayName: email,
          type: "email",
          labels: { email_address: email },
          dependsOn,
        }),
    );
    new Resource(this, "Resource", {
      provider,
      billingAccount: budget.billingAccount ?? project.billingAccount,
      displayName: props.displayName,
      budgetFilter: { projects: [`projects/${project.number}`] },
      amount: {
        specifiedAmount: {
          currencyCode: budget.currency,
          units: String(budget.amount),
        },
      },
      thresholdRules: [
        { thresholdPercent: 0.5 },
        { thresholdPercent: 0.9 },
        { thresholdPercent: 1 },
        { thresholdPercent: 1, spendBasis: "FORECASTED_SPEND" },
      ],
      ...(channels.length === 0
        ? {}
        : {
            allUpdatesRule: {
              monitoringNotificationChannels: channels.map(({ id }) => id),
            },
          }),
      dependsOn,
    });
  }
}
