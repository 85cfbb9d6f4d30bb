/**
 * A stranger's text on one line, with nothing that a terminal or a browser obeys:
 * no control characters, separators, or marks that change the direction of writing.
 */
export function printable(text: string): string {
  return text.replace(
    /[\p{Cc}\p{Cf}\u2028\u2029]/gu,
    (character) => NAMED[character] ?? "\u{fffd}",
  );
}

const NAMED: Readonly<Record<string, string>> = {
  "\n": "\\n",
  "\r": "\\r",
  "\t": "\\t",
};
