import type { ApplySummary } from "./apply-summary";
import { sections } from "./sections";
import type { Sentence } from "./wording";

/** A summary for a terminal. */
export function summaryText(summary: ApplySummary): string {
  const lines = sections(summary).flatMap(({ title, items }) => [
    title,
    ...items.flatMap(({ line, details }) => [
      `  ${plain(line)}`,
      ...details.map((detail) => `    ${plain(detail)}`),
    ]),
  ]);
  return ["What this apply will do", "", ...lines].join("\n");
}

function plain(sentence: Sentence): string {
  return sentence
    .map((part) => (typeof part === "string" ? part : part.quoted))
    .join("");
}
