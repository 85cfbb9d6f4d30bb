import { codeSpan } from "../code-span";
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
    .map((part) => (typeof part === "string" ? part : codeSpan(part.quoted)))
    .join("");
}
