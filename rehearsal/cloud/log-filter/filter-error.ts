import { ApiError } from "../api-error";

/** A filter that Cloud Logging, or this cloud, does not take. */
export function filterError(what: string, at?: number): ApiError {
  return new ApiError(
    400,
    `Unparseable filter: ${what}${at === undefined ? "" : ` at character ${at + 1}`}.`,
  );
}
