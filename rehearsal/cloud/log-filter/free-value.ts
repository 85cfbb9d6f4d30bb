import { leaves } from "./log-field";
import type { Operand } from "./operand";

/** What the order of two values must be. */
export const ORDERS: Readonly<Record<string, (order: number) => boolean>> = {
  "=": (order) => order === 0,
  ":": (order) => order === 0,
  "!=": (order) => order !== 0,
  ">": (order) => order > 0,
  "<": (order) => order < 0,
  ">=": (order) => order >= 0,
  "<=": (order) => order <= 0,
};

/** Of what may be anything: texts without regard to capitals, numbers as numbers. */
export function freely(
  value: unknown,
  operator: string,
  { text, quoted }: Operand,
): boolean {
  const holds = ORDERS[operator]!;
  if (value === null || (text === "NULL_VALUE" && !quoted)) {
    const both = value === null && text === "NULL_VALUE" && !quoted;
    return /^(=|:|!=)$/.test(operator) && holds(both ? 0 : 1);
  }
  if (typeof value === "object") {
    return operator === ":" && has(value, text);
  }
  if (typeof value === "number") {
    const than = text.trim() === "" ? Number.NaN : Number(text);
    return operator === "!=" ? value !== than : holds(value - than);
  }
  const [a, b] = [String(value).toLowerCase(), text.toLowerCase()];
  return operator === ":" ? a.includes(b) : holds(a === b ? 0 : a < b ? -1 : 1);
}

/** Whether a text is anywhere in a value. */
export function has(value: unknown, text: string): boolean {
  const asked = text.toLowerCase();
  return leaves(value).some((each) => each.toLowerCase().includes(asked));
}
