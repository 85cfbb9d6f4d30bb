import { printable } from "./printable";

/**
 * A stranger's text as a code span of Markdown, where no mark, mention or tag
 * means anything: its fence is longer than any run of backticks inside.
 */
export function codeSpan(text: string): string {
  const plain = printable(text.replace(/\s+/g, " "));
  if (plain === "") return "(empty)";
  const runs = plain.match(/`+/g) ?? [];
  const fence = "`".repeat(Math.max(0, ...runs.map((run) => run.length)) + 1);
  // A space keeps a backtick at an end apart, and one is taken off again.
  const padding = /^[ `]|[ `]$/.test(plain) ? " " : "";
  return `${fence}${padding}${plain}${padding}${fence}`;
}
