import type { Schema } from "./document";

/** JSON's mapping of protocol buffers. @see https://protobuf.dev/programming-guides/json/ */
export function isScalar(
  { type, format, enum: values }: Schema,
  value: unknown,
): boolean {
  switch (type) {
    case "boolean":
      return typeof value === "boolean";
    case "integer":
      return (
        ["number", "string"].includes(typeof value) &&
        /^-?\d+$/.test(String(value))
      );
    case "number":
      return typeof value === "number";
    case "string":
      if (format === "int64" || format === "uint64") {
        return (
          ["number", "string"].includes(typeof value) &&
          /^-?\d+$/.test(String(value))
        );
      }
      return (
        typeof value === "string" &&
        (values === undefined || values.includes(value)) &&
        (format !== "google-duration" || /^-?\d+(\.\d+)?s$/.test(value))
      );
    default:
      return true;
  }
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
    int32: "TYPE_INT32",
    int64: "TYPE_INT64",
    double: "TYPE_DOUBLE",
    float: "TYPE_FLOAT",
    "google-duration": "type.googleapis.com/google.protobuf.Duration",
  };
  return names[format] ?? names[type] ?? "TYPE_STRING";
}
