import { ApiError } from "../api-error";
import type { Discovery } from "./discovery";
import { camelCase } from "./camel-case";
import type { Method, Schema } from "./document";
import { isParameter, typeName } from "./scalar";

/**
 * A call's query with the names that the document has, also where they came as snake_case.
 *
 * @throws ApiError for a name that Google does not know, or one that is missing
 */
export function checkQuery(
  { document }: Discovery,
  method: Method,
  query: URLSearchParams,
): URLSearchParams {
  const known: Record<string, Schema> = {
    ...document.parameters,
    ...method.parameters,
  };
  const checked = new URLSearchParams();
  for (const [given, value] of query) {
    const name = given in known ? given : camelCase(given);
    const schema = known[name];
    if (schema?.location !== "query") {
      throw new ApiError(
        400,
        `Invalid JSON payload received. Unknown name "${given}": Cannot bind query parameter. Field '${given}' could not be found in request message.`,
      );
    }
    if (!isParameter(schema, value)) {
      throw new ApiError(
        400,
        `Invalid value at '${given}' (${typeName(schema)}), "${value}"`,
        { reason: "invalidParameter" },
      );
    }
    if (checked.has(name) && !schema.repeated) {
      throw new ApiError(
        400,
        `Invalid value at '${given}': the parameter is not repeated, but was given more than once.`,
        { reason: "invalidParameter" },
      );
    }
    checked.append(
      name,
      schema.type === "boolean" ? String(/^(true|1)$/i.test(value)) : value,
    );
  }
  for (const [name, { required, location }] of Object.entries(
    method.parameters ?? {},
  )) {
    if (required && location === "query" && !checked.has(name)) {
      throw new ApiError(400, `Required parameter: ${name}`, {
        reason: "required",
      });
    }
  }
  return checked;
}
