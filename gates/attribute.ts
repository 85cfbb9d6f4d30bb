import { isObject, type Json, own } from "./json";
import type { Resource } from "./resource";

/** One place in a resource's values. */
export interface Attribute {
  /** Such as `template[0].containers[1].image`. */
  readonly path: string;

  /** Missing when it is not known; at synth the text with the reference. */
  readonly value?: unknown;
  readonly known: boolean;
}

/**
 * Every place that a path of keys leads to. Lists are looked through, so a path
 * names no indexes, and one block alone is as good as a list of one. Nothing
 * comes back for what is not set; what is not known yet comes back as unknown.
 */
export function attributes(
  { values, unknown }: Pick<Resource, "values" | "unknown">,
  path: readonly string[],
): Attribute[] {
  const found: Attribute[] = [];
  const walk = (value: unknown, mirror: unknown, depth: number, at: string) => {
    if (mirror === true) {
      found.push({ path: at, value, known: false });
      return;
    }
    if (Array.isArray(value) || Array.isArray(mirror)) {
      const [values, mirrors] = [asList(value), asList(mirror)];
      // A list at the end of a path is a list of values.
      const length = Math.max(values.length, mirrors.length);
      for (let i = 0; i < length; i++) {
        walk(values[i], mirrors[i], depth, `${at}[${i}]`);
      }
      return;
    }
    if (depth === path.length) {
      if (value !== undefined && value !== null) {
        found.push({ path: at, value, known: true });
      }
      return;
    }
    const key = path[depth] ?? "";
    if (isObject(value) || isObject(mirror)) {
      const next = at === "" ? key : `${at}.${key}`;
      walk(own(value, key), own(mirror, key), depth + 1, next);
    }
  };
  walk(values, unknown, 0, "");
  return found;
}

/** The first place, for what can be there only once. */
export function attribute(
  resource: Pick<Resource, "values" | "unknown">,
  path: readonly string[],
): Attribute | undefined {
  return attributes(resource, path)[0];
}

/** Whether somebody wrote a value down, where the provider would fill one in. */
export function isWritten(
  resource: Resource,
  path: readonly string[],
): boolean {
  return (
    attributes(
      { values: resource.written ?? resource.values, unknown: {} },
      path,
    ).length > 0
  );
}

/** The same places as they were before the apply. */
export function attributesBefore(
  { before }: Pick<Resource, "before">,
  path: readonly string[],
): Attribute[] {
  return attributes({ values: before ?? {}, unknown: {} }, path);
}

function asList(value: unknown): readonly unknown[] {
  if (Array.isArray(value)) return value;
  return value === undefined ? [] : [value];
}

/** A leaf and its path, for rules that look everywhere. */
export interface Leaf {
  readonly path: string;
  readonly value: string | number | boolean;
}

/** Every value inside an object or list, and its path. */
export function leaves(root: unknown, at = ""): Leaf[] {
  const found: Leaf[] = [];
  const walk = (value: unknown, path: string) => {
    if (Array.isArray(value)) {
      value.forEach((entry, i) => walk(entry, `${path}[${i}]`));
    } else if (isObject(value)) {
      for (const [key, entry] of Object.entries(value as Json)) {
        walk(entry, path === "" ? key : `${path}.${key}`);
      }
    } else if (value !== null && value !== undefined) {
      found.push({ path, value: value as Leaf["value"] });
    }
  };
  walk(root, at);
  return found;
}
