import type { Attribute } from "./attribute";
import type { Finding } from "./finding";
import type { Plan, Resource } from "./resource";
import type { Profile } from "./profile";

/** What a rule saw; the rest of a finding is the rule's own. */
export interface Observation
  extends Pick<
    Finding,
    "level" | "address" | "attribute" | "message" | "change"
  > {
  /** The rule could not tell: reported as G00. */
  readonly cannotTell?: boolean;
}

/** One thing that a reviewer would refuse or ask about. */
export interface Rule {
  /** Such as `G01`. */
  readonly id: string;

  /** In a few words, for tables. */
  readonly title: string;

  /** Why it matters, in a sentence. */
  readonly why: string;

  /** The vendor's page about it. */
  readonly page: string;

  /** Looks at everything, changes nothing. */
  check(plan: Plan, profile: Profile): Observation[];
}

/** The observation of a deny rule whose attribute is not known yet. */
export function unknownAttribute(
  { address }: Pick<Resource, "address">,
  { path }: Pick<Attribute, "path">,
  rule: string,
): Observation {
  return {
    level: "block",
    address,
    attribute: path,
    cannotTell: true,
    message: `${path} is not known before the apply, and ${rule} cannot tell without it`,
    change:
      "write the value down, or make it follow from values that are known when planning",
  };
}
