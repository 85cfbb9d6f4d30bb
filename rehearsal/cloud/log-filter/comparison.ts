import { RE2JS, RE2JSSyntaxException } from "re2js";
import type { Json } from "../state";
import { filterError } from "./filter-error";
import { freely, ORDERS } from "./free-value";
import { type LogField, leaves, valuesAt } from "./log-field";
import { instant, type Operand, rank, severity } from "./operand";
import { quotedExpression, quotedText } from "./quoted-text";

/** Whether an entry is meant. */
export type Predicate = (entry: Json) => boolean;

/**
 * A comparison of a field. A field that is absent fails it, but for one that then has a default.
 *
 * @throws ApiError for an operand that the field cannot be compared with
 */
export function comparison(
  field: LogField,
  operator: string,
  operand: Operand,
): Predicate {
  const { path, absent } = field;
  if (operator === ":" && operand.text === "*" && !operand.quoted) {
    return (entry) => valuesAt(entry, path).length > 0;
  }
  const holds = test(field, operator, operand);
  return (entry) => {
    const found = valuesAt(entry, path);
    const values = found.length > 0 || absent === undefined ? found : [absent];
    return values.some(holds);
  };
}

/** @returns for a single value */
function test(
  { kind, path }: LogField,
  operator: string,
  operand: Operand,
): (value: unknown) => boolean {
  if (operator === "=~" || operator === "!~") {
    const pattern = expression(operand);
    return (value) =>
      leaves(value).some((text) => pattern.test(text)) === (operator === "=~");
  }
  const text = operand.quoted ? quotedText(operand.text) : operand.text;
  const holds = ORDERS[operator]!;
  switch (kind) {
    case "severity": {
      const than = severity(text);
      // What a container calls its severity may be none.
      return (value) => holds((rank(String(value)) ?? 0) - than);
    }
    case "time": {
      const than = instant(text);
      return (value) => holds(Date.parse(String(value)) - than);
    }
    case "number": {
      const than = Number(text);
      if (text.trim() === "" || Number.isNaN(than)) {
        throw filterError(`'${text}' is no number, as ${path.join(".")} is`);
      }
      return (value) => holds(Number(value) - than);
    }
    case "boolean": {
      if (!/^(true|false)$/i.test(text) || /[<>]/.test(operator)) {
        throw filterError(`${path.join(".")} is either true or false`);
      }
      return (value) => holds(String(value) === text.toLowerCase() ? 0 : 1);
    }
    default:
      return (value) => freely(value, operator, { ...operand, text });
  }
}

/** RE2's syntax, and its time: linear, whatever the expression. */
function expression({ text, quoted }: Operand): RE2JS {
  try {
    return RE2JS.compile(quoted ? quotedExpression(text) : text);
  } catch (error) {
    if (!(error instanceof RE2JSSyntaxException)) throw error;
    throw filterError(`invalid regular expression: ${error.message}`);
  }
}
