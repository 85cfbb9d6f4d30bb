import type { IncomingMessage } from "node:http";
import { ApiError } from "../api-error";
import { RawAnswer } from "../call";
import type { Cloud } from "../cloud";
import type { StoredObject } from "../state";
import { objectHeaders } from "./object-json";

/** An object's bytes, or the range of them that is asked for. */
export function mediaAnswer(
  cloud: Cloud,
  object: StoredObject,
  request: IncomingMessage,
): RawAnswer {
  const size = Number(object.size);
  const headers = objectHeaders(object);
  const range = /^bytes=(\d*)-(\d*)$/.exec(request.headers.range ?? "");
  if (size === 0 || request.method === "HEAD") {
    const length = { "content-length": object.size };
    return new RawAnswer(200, { ...headers, ...length });
  }
  const file = cloud.objects.file(object);
  if (range === null) {
    return new RawAnswer(200, headers, { file, start: 0, end: size - 1 });
  }
  const [, first = "", last = ""] = range;
  const start = first === "" ? Math.max(0, size - Number(last)) : Number(first);
  const end =
    first === "" || last === "" ? size - 1 : Math.min(Number(last), size - 1);
  if (start >= size || start > end) {
    throw new ApiError(416, "The requested range cannot be satisfied.", {
      reason: "requestedRangeNotSatisfiable",
      headers: { "content-range": `bytes */${size}` },
    });
  }
  return new RawAnswer(
    206,
    { ...headers, "content-range": `bytes ${start}-${end}/${size}` },
    { file, start, end },
  );
}
