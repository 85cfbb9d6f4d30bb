import { ApiError } from "../api-error";
import type { StoredObject } from "../state";

/**
 * Holds the conditions of a call against what is there.
 *
 * @throws ApiError 412, or 304 for a reader who has the newest already
 * @see https://cloud.google.com/storage/docs/request-preconditions
 */
export function checkPreconditions(
  query: URLSearchParams,
  present: StoredObject | undefined,
  suffix = "",
): void {
  const generation = present?.generation ?? "0";
  const metageneration = present?.metageneration ?? "0";
  const asked = (name: string) => query.get(`${name}${suffix}`);
  const wrong = (name: string, actual: string) => {
    const value = asked(name);
    return value !== null && value !== actual;
  };
  if (
    wrong(
      suffix === "" ? "ifGenerationMatch" : "ifSourceGenerationMatch",
      generation,
    ) ||
    wrong("ifMetagenerationMatch", metageneration)
  ) {
    throw new ApiError(
      412,
      "At least one of the pre-conditions you specified did not hold.",
      { reason: "conditionNotMet" },
    );
  }
  if (
    asked("ifGenerationNotMatch") === generation ||
    asked("ifMetagenerationNotMatch") === metageneration
  ) {
    throw new ApiError(304, "Not modified", { reason: "notModified" });
  }
}
