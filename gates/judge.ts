import { leaves } from "./attribute";
import type { Finding, Level } from "./finding";
import type { Plan, Resource } from "./resource";
import type { Profile } from "./profile";
import type { Observation, Rule } from "./rule";
import { readablePlan } from "./rules/g00-readable-plan";
import { withoutSecrets } from "./token-shapes";

/** Every finding of the rules, the gravest first. */
export function judge(
  plan: Plan,
  profile: Profile,
  rules: readonly Rule[],
): Finding[] {
  const resources = new Map(plan.resources.map((r) => [r.address, r]));
  return rules
    .flatMap((rule) =>
      rule
        .check(plan, profile)
        .map((seen) => finding(rule, seen, resources.get(seen.address))),
    )
    .sort((a, b) => ORDER[a.level] - ORDER[b.level]);
}

const ORDER: Readonly<Record<Level, number>> = { block: 0, flag: 1, info: 2 };

function finding(
  rule: Rule,
  seen: Observation,
  resource: Resource | undefined,
): Finding {
  const { id, why, page } = seen.cannotTell ? readablePlan : rule;
  const { level, address, attribute, message, change } = seen;
  const clean = withoutValuesOf(resource);
  return {
    rule: id,
    level,
    address: withoutSecrets(address),
    ...(attribute === undefined
      ? {}
      : { attribute: withoutSecrets(attribute) }),
    message: clean(withoutSecrets(message)),
    why,
    change,
    page,
  };
}

/** Shorter values would take ordinary words away with them. */
const SHORTEST = 4;

/** Takes away what the plan itself marks as sensitive. */
function withoutValuesOf(
  resource: Resource | undefined,
): (text: string) => string {
  const masked = leaves(resource?.sensitive).filter(({ value }) => value);
  if (resource === undefined || masked.length === 0) return (text) => text;
  const hidden = new Set(masked.map(({ path }) => path));
  const values = leaves(resource.values)
    .filter(({ path }) =>
      [...hidden].some(
        (h) =>
          path === h || path.startsWith(`${h}.`) || path.startsWith(`${h}[`),
      ),
    )
    .map(({ value }) => String(value))
    .filter((value) => value.length >= SHORTEST);
  return (text) =>
    values.reduce(
      (shown, value) => shown.replaceAll(value, "(sensitive)"),
      text,
    );
}
