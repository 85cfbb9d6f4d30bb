import { camelCase } from "../discovery/camel-case";
import type { Schema } from "../discovery/document";
import type { Json } from "../state";
import { filterError } from "./filter-error";

/** A field of log entries. */
export interface LogField {
  readonly path: readonly string[];

  /** `free`: whatever its writer chose, as in payloads. */
  readonly kind: "severity" | "time" | "number" | "boolean" | "text" | "free";

  /** What it is compared as where an entry has it not; undefined where it then fails any comparison. */
  readonly absent?: string | number | boolean;
}

/**
 * The field that a path names.
 *
 * @param schemas - of Logging's discovery document
 * @throws ApiError for one that entries do not have
 * @see https://cloud.google.com/logging/docs/view/logging-query-language#missing_fields
 */
export function logField(
  path: readonly string[],
  schemas: Readonly<Record<string, Schema>>,
): LogField {
  let schema: Schema | undefined = schemas["LogEntry"];
  const names: string[] = [];
  for (const [index, name] of path.entries()) {
    const here: Schema | undefined = schema?.items ?? schema;
    const fields: Schema | undefined = here?.$ref ? schemas[here.$ref] : here;
    if (fields?.additionalProperties) {
      return { path: [...names, ...path.slice(index)], kind: "free" };
    }
    names.push(camelCase(name));
    schema = fields?.properties?.[names.at(-1)!];
    if (schema === undefined) {
      throw filterError(`Field not found: '${path.join(".")}'`);
    }
  }
  return { path: names, ...kindOf(names, schema!) };
}

function kindOf(
  [first]: readonly string[],
  { type, format, enum: names }: Schema,
): Omit<LogField, "path"> {
  if (first === "severity" && names) {
    return { kind: "severity", absent: "DEFAULT" };
  }
  if (format === "google-datetime") return { kind: "time" };
  if (type === "boolean") return { kind: "boolean", absent: false };
  if (type === "integer" || format === "int64") {
    return { kind: "number", absent: 0 };
  }
  // A payload is there or it is not.
  if (first === "textPayload") return { kind: "text" };
  return type === "string" ? { kind: "text", absent: "" } : { kind: "free" };
}

/** What an entry has under a path; of lists, each. */
export function valuesAt(entry: Json, path: readonly string[]): unknown[] {
  let values: unknown[] = [entry];
  for (const name of path) {
    values = values
      .flatMap((value) => (isObject(value) ? value[name] : undefined))
      .filter((value) => value !== undefined);
  }
  return values;
}

/** All texts, numbers and truth values within a value. */
export function leaves(value: unknown): string[] {
  if (Array.isArray(value)) return value.flatMap(leaves);
  if (isObject(value)) return Object.values(value).flatMap(leaves);
  return value === null || value === undefined ? [] : [String(value)];
}

function isObject(value: unknown): value is Json {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
