import type { Schema } from "./document";

/** Least and most of the formats of whole numbers. */
const RANGES: Readonly<Record<string, readonly [bigint, bigint]>> = {
  int32: [-(2n ** 31n), 2n ** 31n - 1n],
  uint32: [0n, 2n ** 32n - 1n],
  int64: [-(2n ** 63n), 2n ** 63n - 1n],
  uint64: [0n, 2n ** 64n - 1n],
};

const FORMATS: Readonly<Record<string, RegExp>> = {
  "google-duration": /^-?\d+(\.\d{1,9})?s$/,
  "google-datetime":
    /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?(Z|[+-]\d\d:\d\d)$/,
  // Of either alphabet.
  byte: /^[\w+/-]*={0,2}$/,
};

/** JSON's mapping of protocol buffers. @see https://protobuf.dev/programming-guides/json/ */
export function isScalar(schema: Schema, value: unknown): boolean {
  const { type, format = "", enum: values } = schema;
  switch (type) {
    case "boolean":
      return typeof value === "boolean";
    case "integer":
      return isWhole(value, format || "int32");
    case "number":
      return (
        typeof value === "number" ||
        (typeof value === "string" &&
          value.trim() !== "" &&
          (!Number.isNaN(Number(value)) || value === "NaN"))
      );
    case "string":
      if (format in RANGES) return isWhole(value, format);
      return (
        typeof value === "string" &&
        (values === undefined || values.includes(value)) &&
        (FORMATS[format]?.test(value) ?? true)
      );
    default:
      return true;
  }
}

/** The same for a parameter, which is a text in any case. */
export function isParameter(schema: Schema, text: string): boolean {
  return schema.type === "boolean"
    ? /^(true|false|1|0)$/i.test(text)
    : isScalar(schema, text);
}

/** 64 bits do not fit into JSON's numbers, and come as texts; shorter ones may, too. */
function isWhole(value: unknown, format: string): boolean {
  if (
    !["number", "string"].includes(typeof value) ||
    !/^-?\d+$/.test(String(value))
  ) {
    return false;
  }
  const [least, most] = RANGES[format] ?? RANGES["int64"]!;
  const number = BigInt(value as string | number);
  return number >= least && number <= most;
}

/** Google's name of a type, in messages. */
export function typeName({
  type = "",
  format = "",
  enum: values,
}: Schema): string {
  if (values !== undefined) {
    return "TYPE_ENUM";
  }
  const names: Record<string, string> = {
    boolean: "TYPE_BOOL",
    integer: "TYPE_INT32",
    int32: "TYPE_INT32",
    uint32: "TYPE_UINT32",
    int64: "TYPE_INT64",
    uint64: "TYPE_UINT64",
    number: "TYPE_DOUBLE",
    double: "TYPE_DOUBLE",
    float: "TYPE_FLOAT",
    byte: "TYPE_BYTES",
    "google-duration": "type.googleapis.com/google.protobuf.Duration",
    "google-datetime": "type.googleapis.com/google.protobuf.Timestamp",
  };
  return names[format] ?? names[type] ?? "TYPE_STRING";
}
