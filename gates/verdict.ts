import { entryHash } from "./entry-hash";
import { type Finding, WHOLE_PLAN } from "./finding";
import { environmentsOf } from "./profile";
import type { Plan } from "./resource";
import { expiry, type Waiver } from "./waiver";

/** A finding that somebody answers for. */
export interface Waived {
  readonly finding: Finding;
  readonly waiver: Waiver;
}

/** What a gate says in the end. */
export interface Verdict {
  readonly findings: readonly Finding[];
  readonly waived: readonly Waived[];

  /** What to put into the file of waivers, for each finding that blocks. */
  readonly entries: ReadonlyMap<Finding, Waiver>;
}

/** Whether anything blocks. */
export function isBlocked({ findings }: Verdict): boolean {
  return findings.some(({ level }) => level === "block");
}

/**
 * Takes out what is waived. A waiver that has expired, or that fits nothing,
 * is a finding itself: it stands for a decision that nobody took.
 */
export function verdict(
  plan: Plan,
  findings: readonly Finding[],
  waivers: readonly Waiver[],
  today: Date,
  environments: readonly string[] = environmentsOf(plan),
): Verdict {
  const due = waivers.filter(
    ({ hash, environment }) =>
      hash.startsWith(plan.kind) &&
      (environment === undefined || environments.includes(environment)),
  );
  const used = new Set<Waiver>();
  const waived: Waived[] = [];
  const left: Finding[] = [];
  const entries = new Map<Finding, Waiver>();
  for (const finding of findings) {
    if (finding.level === "info" || !isWaivable(finding)) {
      left.push(finding);
      continue;
    }
    const candidates = due.filter(
      ({ rule, address }) =>
        rule === finding.rule && address === finding.address,
    );
    // Only here is a hash needed, and one of a secret takes its time.
    const hash =
      candidates.length > 0 || finding.level === "block"
        ? entryHash(plan, finding)
        : "";
    const waiver = candidates.find(
      (w) => w.hash === hash && expiry(w, today) === undefined,
    );
    if (waiver === undefined) {
      left.push(finding);
      if (finding.level === "block") {
        entries.set(finding, entry(finding, hash, environments, today));
      }
    } else {
      used.add(waiver);
      waived.push({ finding, waiver });
    }
  }
  const spent = due.filter((w) => !used.has(w)).map((w) => useless(w, today));
  return { findings: [...spent, ...left], waived, entries };
}

/** Nothing can be agreed about a plan that cannot be read. */
function isWaivable({ rule, address }: Finding): boolean {
  return rule !== "G00" || address !== WHOLE_PLAN;
}

/** Days that the printed entry proposes. */
const PROPOSED_DAYS = 90;

function entry(
  { rule, address }: Finding,
  hash: string,
  [environment, another]: readonly string[],
  today: Date,
): Waiver {
  const expires = new Date(today.getTime() + PROPOSED_DAYS * 86_400_000);
  return {
    rule,
    address,
    ...(environment === undefined || another !== undefined
      ? {}
      : { environment }),
    reason: "",
    expires: expires.toISOString().slice(0, 10),
    hash,
  };
}

function useless(waiver: Waiver, today: Date): Finding {
  const { rule, address, hash } = waiver;
  return {
    rule,
    level: "block",
    address,
    message: `the waiver ${hash} does not hold: ${expiry(waiver, today) ?? "no finding of this rule is about the same entry"}`,
    why: "A waiver that nobody needs hides the next finding.",
    change: "take it out of the file, or decide anew",
    page: "docs/gates.md#waivers",
  };
}
