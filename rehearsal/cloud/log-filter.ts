import { ApiError } from "./api-error";
import type { Json } from "./state";

const SEVERITIES = [
  "DEFAULT",
  "DEBUG",
  "INFO",
  "NOTICE",
  "WARNING",
  "ERROR",
  "CRITICAL",
  "ALERT",
  "EMERGENCY",
];

/**
 * A filter as a function. Of Logging's query language: comparisons of a field with a text, joined by
 * AND or by nothing.
 *
 * @throws ApiError for anything else
 * @see https://cloud.google.com/logging/docs/view/logging-query-language
 */
export function logFilter(filter: string): (entry: Json) => boolean {
  const comparisons: ((entry: Json) => boolean)[] = [];
  const pattern =
    /\s*(?:AND\s+)?((?:[\w-]+|"[^"]+")(?:\.(?:[\w-]+|"[^"]+"))*)\s*(=~|!=|>=|<=|=|>|<|:)\s*("(?:[^"\\]|\\.)*"|[^\s()"]+)\s*/y;
  for (let at = 0; at < filter.length; at = pattern.lastIndex) {
    pattern.lastIndex = at;
    const match = pattern.exec(filter);
    if (match === null) {
      if (filter.slice(at).trim() === "") break;
      throw new ApiError(
        400,
        `Unparseable filter: syntax error at line 1, column ${at + 1}`,
      );
    }
    const [, field = "", operator = "", value = ""] = match;
    const path = [...field.matchAll(/"([^"]+)"|([\w-]+)/g)].map(
      ([, quoted, plain]) => quoted ?? plain ?? "",
    );
    const text = value.startsWith('"')
      ? value.slice(1, -1).replace(/\\(.)/g, "$1")
      : value;
    comparisons.push((entry) => compared(path, operator, text, entry));
  }
  return (entry) => comparisons.every((holds) => holds(entry));
}

function compared(
  path: readonly string[],
  operator: string,
  text: string,
  entry: Json,
): boolean {
  const value = path.reduce<any>((part, name) => part?.[name], entry);
  if (value === undefined) {
    return operator === "!=";
  }
  const [a, b] =
    path[0] === "severity"
      ? [SEVERITIES.indexOf(value), SEVERITIES.indexOf(text.toUpperCase())]
      : path[0] === "timestamp"
        ? [Date.parse(value), Date.parse(text)]
        : [String(value), text];
  switch (operator) {
    case "=":
      return a === b;
    case "!=":
      return a !== b;
    case ">=":
      return a >= b;
    case "<=":
      return a <= b;
    case ">":
      return a > b;
    case "<":
      return a < b;
    case "=~":
      return new RegExp(text).test(String(value));
    default:
      return String(value).toLowerCase().includes(text.toLowerCase());
  }
}
