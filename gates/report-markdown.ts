import { codeSpan } from "./code-span";
import { type Finding, isWholePlan, type Level } from "./finding";
import { printable, printableJson } from "./printable";
import { summary } from "./report-text";
import type { Verdict } from "./verdict";

/**
 * Characters of a comment on a pull request, less what whoever posts it adds,
 * such as a link to the run.
 *
 * @see https://github.com/orgs/community/discussions/27190
 */
export const LONGEST_REPORT = 65_536 - 1_000;

const TITLES: Readonly<Record<Level, string>> = {
  block: "Blocked",
  flag: "To look at",
  info: "For information",
};

/**
 * A verdict for a comment on a pull request, with what the apply will do. What
 * does not fit is counted.
 *
 * @param longest - characters that it may have
 */
export function reportMarkdown(
  verdict: Verdict,
  applySummary: string,
  longest = LONGEST_REPORT,
): string {
  const head = `## Plan gate: ${summary(verdict)}\n`;
  // What was found to be wrong comes first, then what is at stake.
  const parts = [
    ...section(verdict, "block"),
    ...chapters(applySummary),
    ...section(verdict, "flag"),
    ...section(verdict, "info"),
    ...verdict.waived.map(
      ({ finding, waiver }) =>
        `- Waived until ${waiver.expires}: ${finding.rule} ${codeSpan(finding.address)}: ${inline(waiver.reason)}\n`,
    ),
  ];
  const whole = [head, ...parts].join("\n");
  if (whole.length <= longest) return whole;

  let text = head;
  let missing = 0;
  for (const part of parts) {
    if (text.length + part.length + ROOM > longest) missing += 1;
    else text += `\n${part}`;
  }
  return `${text}\n**${missing} of ${parts.length} parts do not fit into a comment: the job's log has them.**\n`;
}

/** For the sentence about what is missing. */
const ROOM = 200;

/** Each with its heading: one that is too long takes no other with it. */
function chapters(applySummary: string): string[] {
  return applySummary === ""
    ? []
    : applySummary.split(/\n\n(?=\*\*)/).map((chapter) => `${chapter}\n`);
}

function section({ findings, entries }: Verdict, level: Level): string[] {
  const all = findings.filter((finding) => finding.level === level);
  return all.map((finding, i) => {
    const title = i === 0 ? `### ${TITLES[level]} (${all.length})\n\n` : "";
    return `${title}${item(finding, entries.get(finding))}`;
  });
}

function item(finding: Finding, waiver: unknown): string {
  const { rule, address, attribute, message, why, change, page } = finding;
  const where = isWholePlan(finding)
    ? "the plan as a whole"
    : codeSpan(address);
  return [
    `- **${rule}** ${where}${attribute === undefined ? "" : `, ${codeSpan(attribute)}`}: ${inline(message)}`,
    `  ${inline(why)} To change: ${inline(change)}. [Read more](${page})`,
    ...(waiver === undefined
      ? []
      : [
          `  <details><summary>Waiver</summary>\n\n  ${codeSpan(printableJson(waiver))}\n\n  </details>`,
        ]),
    "",
  ].join("\n");
}

/** Text of a plan is a stranger's: no mark-up, no mentions, no line of its own. */
function inline(text: string): string {
  return (
    printable(text.replace(/\s+/g, " "))
      // An entity would become a mark after this.
      .replace(/&/g, "&amp;")
      .replace(/[\\`*_{}[\]<>#|!~]/g, "\\$&")
      // Nobody is told, no issue is linked, no address becomes a link.
      .replace(/[@#]|:(?=\/\/)|(?<=www)\./gi, "$&\u200b")
  );
}
