import type { Json } from "./state";

/**
 * A resource after an update: of the body only what the mask names, as deep as it names it; what the
 * mask names and the body has not is unset.
 *
 * @param mask - paths in camelCase, separated by commas, or `*`
 * @see https://google.aip.dev/134
 */
export function withMask(present: Json, body: Json, mask: string): Json {
  if (mask === "*") {
    return structuredClone(body);
  }
  const updated = structuredClone(present);
  for (const path of mask.split(",").filter(Boolean)) {
    put(updated, body, path.split("."));
  }
  return updated;
}

function put(target: Json, source: Json, [name, ...rest]: string[]): void {
  const value: unknown = source[name!];
  if (rest.length === 0) {
    if (value === undefined || value === null) delete target[name!];
    else target[name!] = structuredClone(value);
    return;
  }
  const inner = isMessage(target[name!]) ? target[name!] : {};
  put(inner, isMessage(value) ? value : {}, rest);
  if (Object.keys(inner).length > 0) target[name!] = inner;
}

function isMessage(value: unknown): value is Json {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
