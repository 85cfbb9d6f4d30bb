import type { IncomingMessage } from "node:http";
import { ApiError } from "../api-error";
import type { RawAnswer } from "../call";
import type { Cloud } from "../cloud";
import { existingObject, requireStorage } from "./bucket-access";
import { mediaAnswer } from "./media-answer";

/**
 * `GET /BUCKET/OBJECT` of the XML API: Google's Go client reads this way, and with it Terraform's GCS
 * backend.
 *
 * @returns undefined for anything else
 * @see https://cloud.google.com/storage/docs/xml-api/get-object-download
 */
export function xmlRead(
  cloud: Cloud,
  request: IncomingMessage,
  url: URL,
): RawAnswer | undefined {
  const [bucket = "", ...rest] = url.pathname
    .slice(1)
    .split("/")
    .map(decodeURIComponent);
  const reads = request.method === "GET" || request.method === "HEAD";
  if (!reads || rest.length === 0 || !cloud.state.buckets[bucket]) {
    return undefined;
  }
  const principal = cloud.tokens.principal(request.headers.authorization);
  if (principal === undefined) {
    throw new ApiError(401, "Authentication required.");
  }
  const name = rest.join("/");
  requireStorage(cloud, { principal }, "storage.objects.get", bucket, name);
  const generation = url.searchParams.get("generation");
  const object = existingObject(cloud, bucket, name, generation);
  return mediaAnswer(cloud, object, request);
}
