import { isWholePlan, type Finding, type Level } from "./finding";
import { printable, printableJson } from "./printable";
import type { Verdict } from "./verdict";

const TITLES: Readonly<Record<Level, string>> = {
  block: "BLOCKED: change it, or waive it",
  flag: "FLAGGED: a reviewer's decision",
  info: "FOR INFORMATION",
};

/** A verdict for people at a terminal. */
export function reportText(verdict: Verdict): string {
  const { findings, waived, entries } = verdict;
  const groups = (Object.keys(TITLES) as Level[]).flatMap((level) => {
    const all = findings.filter((finding) => finding.level === level);
    return all.length === 0
      ? []
      : [
          `${TITLES[level]} (${all.length})`,
          ...all.map((finding) => describe(finding, entries.get(finding))),
        ];
  });
  return [
    ...groups,
    ...waived.map(
      ({ finding, waiver }) =>
        `waived until ${waiver.expires}: ${finding.rule} ${printable(finding.address)}: ${printable(waiver.reason)}`,
    ),
    summary(verdict),
  ].join("\n\n");
}

function describe(finding: Finding, waiver: unknown): string {
  const { rule, address, attribute, message, why, change, page } = finding;
  const found = `${message}${attribute === undefined ? "" : ` (${attribute})`}`;
  return [
    `  ${rule}  ${isWholePlan(finding) ? "the plan as a whole" : printable(address)}`,
    `       found:  ${printable(found)}`,
    `       why:    ${why}`,
    `       change: ${change}`,
    `       read:   ${page}`,
    ...(waiver === undefined
      ? []
      : [`       waiver: ${printableJson(waiver)}`]),
  ].join("\n");
}

/** How it ended, in a line. */
export function summary({ findings, waived }: Verdict): string {
  const count = (level: Level) =>
    findings.filter((finding) => finding.level === level).length;
  const blocked = count("block");
  return `${blocked === 0 ? "passed" : "blocked"}: ${blocked} to change, ${count("flag")} to look at, ${waived.length} waived`;
}
