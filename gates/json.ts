/** A JSON object as it was parsed; its keys may be anything. */
export type Json = Readonly<Record<string, unknown>>;

/** Whether a value is an object with keys: no list, no null. */
export function isObject(value: unknown): value is Json {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

/** The value as an object, empty where it is none. */
export function objectOf(value: unknown): Json {
  return isObject(value) ? value : {};
}

/** The value as a list: a block that stands alone is a list of one. */
export function listOf(value: unknown): readonly unknown[] {
  if (Array.isArray(value)) return value;
  return value === undefined || value === null ? [] : [value];
}

/**
 * An object's own value: a plan may have keys such as `constructor`, and none of
 * them may be answered by JavaScript's prototypes.
 */
export function own(value: unknown, key: string): unknown {
  return isObject(value) && Object.hasOwn(value, key) ? value[key] : undefined;
}

/** The same as text, where it is text. */
export function text(value: unknown, key: string): string | undefined {
  const found = own(value, key);
  return typeof found === "string" ? found : undefined;
}
