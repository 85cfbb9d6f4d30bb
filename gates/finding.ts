/** `block` needs a change or a waiver, `flag` a reviewer's look. */
export type Level = "block" | "flag" | "info";

/** What a rule has to say about one resource, or about the plan as a whole. */
export interface Finding {
  /** Such as `G01`. */
  readonly rule: string;
  readonly level: Level;

  /** Of the resource, or `plan`. */
  readonly address: string;

  /** Where in the resource, such as `template[0].service_account`. */
  readonly attribute?: string;

  /** What was found; never a secret value. */
  readonly message: string;

  /** Why it matters. */
  readonly why: string;

  /** What to change. */
  readonly change: string;

  /** The vendor's page about it. */
  readonly page: string;
}

/** Address of findings about the plan as a whole. */
export const WHOLE_PLAN = "plan";

/** Whether a finding is about no resource in particular. */
export function isWholePlan({ address }: Pick<Finding, "address">): boolean {
  return address === WHOLE_PLAN;
}
