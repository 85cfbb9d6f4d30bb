import { ApiError } from "../api-error";
import type { Json } from "../state";

/** The two parts of a multipart upload. */
export interface Multipart {
  readonly metadata: Json;
  readonly content: Buffer;
  readonly contentType: string | undefined;
}

/** @see https://www.rfc-editor.org/rfc/rfc2387 */
export function readMultipart(header: string, body: Buffer): Multipart {
  // gcloud puts it between single quotes, which no RFC knows.
  const boundary = /boundary=(["']?)([^"';]+)\1/.exec(header)?.[2];
  if (boundary === undefined) {
    throw wrong("the content type has no boundary");
  }
  const mark = Buffer.from(`--${boundary}`);
  const starts: number[] = [];
  for (
    let at = body.indexOf(mark);
    at !== -1;
    at = body.indexOf(mark, at + mark.length)
  ) {
    starts.push(at);
  }
  if (starts.length !== 3) {
    throw wrong(`${Math.max(0, starts.length - 1)} parts instead of two`);
  }
  const [metadata, content] = [0, 1].map((index) =>
    part(body.subarray(starts[index]! + mark.length, starts[index + 1])),
  );
  try {
    return {
      metadata: JSON.parse(metadata!.content.toString()),
      content: content!.content,
      contentType: content!.type,
    };
  } catch {
    throw wrong("the first part is no JSON");
  }
}

/** Between two boundaries: line end, headers, empty line, content, line end. */
function part(bytes: Buffer): { content: Buffer; type: string | undefined } {
  const windows = bytes.subarray(0, 2).toString() === "\r\n";
  const end = windows ? "\r\n" : "\n";
  const gap = bytes.indexOf(end + end);
  const head = bytes.subarray(0, gap).toString();
  return {
    content: bytes.subarray(gap + 2 * end.length, bytes.length - end.length),
    type: /^content-type: *(.+?)\r?$/im.exec(head)?.[1],
  };
}

function wrong(what: string): ApiError {
  return new ApiError(400, `Failed to parse the multipart body: ${what}.`, {
    reason: "badRequest",
  });
}
