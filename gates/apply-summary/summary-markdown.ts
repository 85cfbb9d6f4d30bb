import type { ApplySummary } from "./apply-summary";
import { sections } from "./sections";
import type { Sentence } from "./wording";

/** A summary for a pull request's comment. */
export function summaryMarkdown(summary: ApplySummary): string {
  const lines = sections(summary).flatMap(({ title, items }) => [
    "",
    `**${title}**`,
    "",
    ...items.flatMap(({ line, details }) => [
      `- ${inline(line)}`,
      ...details.map((detail) => `  - ${inline(detail)}`),
    ]),
  ]);
  return ["### What this apply will do", ...lines].join("\n");
}

/** Values stand in code spans, where no mark, mention or tag means anything. */
function inline(sentence: Sentence): string {
  return sentence
    .map((part) => (typeof part === "string" ? part : code(part.quoted)))
    .join("");
}

/** A fence that is longer than any run of backticks inside. */
function code(value: string): string {
  if (value === "") return "(empty)";
  const runs = value.match(/`+/g) ?? [];
  const fence = "`".repeat(Math.max(0, ...runs.map((run) => run.length)) + 1);
  // A space keeps a backtick at an end apart, and one is taken off again.
  const padding = /^[ `]|[ `]$/.test(value) ? " " : "";
  return `${fence}${padding}${value}${padding}${fence}`;
}
