import type { Json } from "../state";

/** Messages that are told even when nothing in them is set. */
const KEPT = ["scaling", "resources", "emptyDir"];

/** JSON without what proto3 leaves out of an answer: zero, false, empty texts and lists. */
export function protoJson<T>(value: T): T {
  if (Array.isArray(value)) {
    return value.map(protoJson) as T;
  }
  if (typeof value !== "object" || value === null) {
    return value;
  }
  const kept = Object.entries(value as Json)
    .map(([name, part]) => [name, protoJson(part)] as const)
    .filter(([name, part]) => KEPT.includes(name) || !isDefault(part));
  return Object.fromEntries(kept) as T;
}

function isDefault(value: unknown): boolean {
  return (
    value === undefined ||
    value === null ||
    value === "" ||
    value === false ||
    value === 0 ||
    (typeof value === "object" && Object.keys(value).length === 0)
  );
}
