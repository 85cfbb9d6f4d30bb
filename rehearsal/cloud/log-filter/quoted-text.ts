const ESCAPES: Readonly<Record<string, string>> = {
  a: "\x07",
  b: "\b",
  f: "\f",
  n: "\n",
  r: "\r",
  t: "\t",
  v: "\v",
};

const ESCAPE =
  /\\(?:x([\da-fA-F]{2})|u([\da-fA-F]{4})|U000([\da-fA-F]{5})|([0-3][0-7]{2})|([^]))/g;

/**
 * What a text in quotation marks says. Where a backslash means nothing it stays.
 *
 * @see https://cloud.google.com/logging/docs/view/logging-query-language#string-literals
 */
export function quotedText(inner: string): string {
  return inner.replace(ESCAPE, (whole, x, u, long, octal, one) => {
    const hex: string | undefined = x ?? u ?? long;
    if (hex !== undefined) return character(Number.parseInt(hex, 16), whole);
    if (octal !== undefined) {
      return String.fromCodePoint(Number.parseInt(octal, 8));
    }
    return ESCAPES[one] ?? (/[\\"'?]/.test(one) ? one : whole);
  });
}

/** The same of a regular expression, which has escapes of its own. */
export function quotedExpression(inner: string): string {
  return inner.replace(/\\(["\\])/g, "$1");
}

function character(code: number, written: string): string {
  return code <= 0x10ffff ? String.fromCodePoint(code) : written;
}
