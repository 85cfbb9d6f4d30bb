import { ApiError } from "../api-error";
import { camelCase } from "./camel-case";
import type { Discovery } from "./discovery";
import type { Method, Schema } from "./document";
import { isScalar, typeName } from "./scalar";

/**
 * A call's body without what is output only, which Google ignores.
 *
 * @throws ApiError with everything that the document does not allow
 */
export function checkBody(
  discovery: Discovery,
  method: Method,
  body: unknown,
): unknown {
  if (method.request === undefined) {
    return undefined;
  }
  const check = new BodyCheck(discovery, method);
  const checked = check.value(method.request, body ?? {}, "");
  if (check.problems.length > 0) {
    throw new ApiError(400, check.problems.join("\n"));
  }
  return checked;
}

/** Called required, but given once for all entries, or left out where there are none. */
const NOT_REQUIRED = [
  "logging.entries.write logName",
  "logging.entries.write resource",
  "logging.entries.write labels",
];

class BodyCheck {
  readonly problems: string[] = [];

  constructor(
    private readonly discovery: Discovery,
    private readonly method: Method,
  ) {}

  value(schema: Schema, value: unknown, at: string): unknown {
    if (value === null) {
      return null;
    }
    if (schema.$ref) {
      return this.value(
        this.discovery.document.schemas[schema.$ref]!,
        value,
        at,
      );
    }
    if (schema.type === "array") {
      if (!Array.isArray(value)) {
        return this.wrong(at, "list", value);
      }
      return value.map((item, index) =>
        this.value(schema.items ?? {}, item, `${at}[${index}]`),
      );
    }
    if (schema.type === "object") {
      return this.object(schema, value, at);
    }
    if (!isScalar(schema, value)) {
      return this.wrong(at, typeName(schema), value);
    }
    return normal(schema, value);
  }

  private object(schema: Schema, value: unknown, at: string): unknown {
    if (typeof value !== "object" || Array.isArray(value)) {
      return this.wrong(at, "object", value);
    }
    const checked: Record<string, unknown> = {};
    const said: Record<string, unknown> = {};
    for (const [given, part] of Object.entries(value as object)) {
      const name = this.nameOf(schema, given);
      said[name] = part;
      const known = schema.properties?.[name] ?? schema.additionalProperties;
      if (known === undefined) {
        this.problems.push(
          `Invalid JSON payload received. Unknown name "${given}"${at === "" ? "" : ` at '${at}'`}: Cannot find field.`,
        );
      } else if (!known.readOnly) {
        checked[name] = this.value(
          known,
          part,
          at === "" ? name : `${at}.${name}`,
        );
      }
    }
    for (const [name, property] of Object.entries(schema.properties ?? {})) {
      const field = `${this.method.id} ${name}`;
      if (
        this.needs(property) &&
        !NOT_REQUIRED.includes(field) &&
        isMissing(said[name])
      ) {
        this.problems.push(
          `${at === "" ? name : `${at}.${name}`}: Required field is missing.`,
        );
      }
    }
    return checked;
  }

  /** Messages may name their fields as protocol buffers do; the older services have no such names. */
  private nameOf({ properties }: Schema, given: string): string {
    const camel = camelCase(given);
    return properties?.[given] === undefined &&
      properties?.[camel] !== undefined &&
      this.discovery.document.servicePath === ""
      ? camel
      : given;
  }

  /** A PATCH brings only what changes. */
  private needs({ description = "", annotations, readOnly }: Schema): boolean {
    if (annotations?.required?.includes(this.method.id)) {
      return true;
    }
    return (
      this.method.httpMethod !== "PATCH" &&
      !readOnly &&
      /^Required\. /.test(description)
    );
  }

  private wrong(at: string, type: string, value: unknown): undefined {
    const shown = JSON.stringify(value);
    this.problems.push(
      `Invalid value at '${at || "body"}' (${type}), ${shown.length > 100 ? `${shown.slice(0, 100)}...` : shown}`,
    );
  }
}

/** 64 bits are told as texts, whatever they came as, and shorter numbers as numbers. */
function normal({ type, format = "" }: Schema, value: unknown): unknown {
  if (/^u?int64$/.test(format)) return String(value);
  return type === "integer" || (type === "number" && value !== "NaN")
    ? Number(value)
    : value;
}

/** An empty text or list is what proto3 calls missing. */
function isMissing(value: unknown): boolean {
  return (
    value === undefined ||
    value === null ||
    value === "" ||
    (Array.isArray(value) && value.length === 0)
  );
}
