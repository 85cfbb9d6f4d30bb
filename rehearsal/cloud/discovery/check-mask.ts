import { ApiError } from "../api-error";
import { camelCase } from "./camel-case";
import type { Discovery } from "./discovery";
import type { Method, Schema } from "./document";

/**
 * The paths of an update mask, in camelCase.
 *
 * @throws ApiError for a path that the resource has not
 * @see https://protobuf.dev/reference/protobuf/google.protobuf/#field-mask
 */
export function checkMask(
  discovery: Discovery,
  method: Method,
  mask: string,
): string {
  const paths = mask.split(",").map((path) => path.trim());
  return paths
    .filter((path) => path !== "")
    .map((path) => {
      const names = path.split(".").map(camelCase);
      if (path !== "*" && !isField(discovery, method.request, names)) {
        throw new ApiError(
          400,
          `Invalid value at 'update_mask' (type.googleapis.com/google.protobuf.FieldMask), "${path}": there is no such field.`,
        );
      }
      return names.join(".");
    })
    .join(",");
}

function isField(
  discovery: Discovery,
  schema: Schema | undefined,
  [name, ...rest]: readonly string[],
): boolean {
  if (name === undefined) {
    return true;
  }
  const known = schema?.$ref ? discovery.document.schemas[schema.$ref] : schema;
  // A mask ends at a map, or names one of its keys.
  if (known?.additionalProperties) {
    return rest.length === 0;
  }
  const field = known?.properties?.[name];
  return field !== undefined && isField(discovery, field, rest);
}
