import { printable } from "../printable";
import { withoutSecrets } from "../token-shapes";

/** A value of the plan, to be set apart from the words around it. */
export interface Quoted {
  readonly quoted: string;
}

/** A sentence of words and values. */
export type Sentence = readonly (string | Quoted)[];

/** A line and what belongs to it. */
export interface Item {
  readonly line: Sentence;
  readonly details: readonly Sentence[];
}

/** A heading with its lines. */
export interface Section {
  readonly title: string;
  readonly items: readonly Item[];
}

const LONGEST = 100;

/**
 * A value as it may be shown: no secret, no line break, nothing that a terminal
 * or a browser obeys, and not too long.
 */
export function quote(value: string): Quoted {
  const visible = printable(withoutSecrets(value));
  const characters = [...visible];
  return {
    quoted:
      characters.length > LONGEST
        ? `${characters.slice(0, LONGEST - 1).join("")}…`
        : visible,
  };
}

/** Old and new value; of long ones the part where they begin to differ. */
export function change(
  before: string | undefined,
  after: string | undefined,
): Sentence {
  const [was, becomes] = apart(before ?? "", after ?? "");
  return [
    before === undefined ? "(none)" : quote(was),
    " -> ",
    after === undefined ? "(none)" : quote(becomes),
  ];
}

function apart(before: string, after: string): [string, string] {
  // Secrets go first: half of one is no longer recognized.
  const [was, becomes] = [before, after].map(withoutSecrets) as [
    string,
    string,
  ];
  let same = 0;
  while (same < was.length && was[same] === becomes[same]) same++;
  const start = same < LONGEST / 2 ? 0 : same - 20;
  const from = (text: string) => (start === 0 ? text : `…${text.slice(start)}`);
  return [from(was), from(becomes)];
}

/** US dollars; undefined is said to be unknown, never left out. */
export function dollars(amount: number | undefined): string {
  if (amount === undefined) return "unknown (no price in the table)";
  return amount >= 100
    ? `$${Math.round(amount).toLocaleString("en-US")}`
    : `$${amount.toFixed(2)}`;
}

/** `1 model`, `2 models`. */
export function counted(count: number, noun: string): string {
  return `${count} ${noun}${count === 1 ? "" : "s"}`;
}
