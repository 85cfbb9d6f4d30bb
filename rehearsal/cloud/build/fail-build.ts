import type { Json } from "../state";

/** Writes down why a build fails, unless it is known already, and ends what it is at. */
export function fail(build: Json, type: string, detail: string): never {
  if (build["status"] === "WORKING") {
    Object.assign(build, {
      failureInfo: { type, detail },
      statusDetail: detail,
    });
  }
  throw new Error(detail);
}
