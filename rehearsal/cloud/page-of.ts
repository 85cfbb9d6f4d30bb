import { createHash } from "node:crypto";
import { ApiError } from "./api-error";
import type { Call } from "./call";

/** What a list is asked for. */
export interface PageRequest {
  readonly pageSize?: number | string | null;
  readonly pageToken?: string | null;

  /** What the token must have been given for. @default "" */
  readonly of?: string;
}

/** Some of a list, and how to go on. */
export interface Page<T> {
  readonly items: readonly T[];

  /** For the answer: empty on the last page. */
  readonly next: { readonly nextPageToken?: string };
}

/**
 * A page of a list: no more than its API gives at once, whatever is asked for.
 *
 * @param most - of one page
 * @throws ApiError for a negative size, and for a token that was not given for this list
 * @see https://google.aip.dev/158
 */
export function pageOf<T>(
  all: readonly T[],
  { pageSize, pageToken, of = "" }: PageRequest,
  most: number,
): Page<T> {
  const size = Number(pageSize || most);
  if (size < 0) {
    throw new ApiError(400, "page_size must not be negative.");
  }
  const mark = createHash("md5").update(of).digest("hex").slice(0, 8);
  const start = pageToken ? offsetOf(pageToken, mark) : 0;
  const end = start + Math.min(size, most);
  return {
    items: all.slice(start, end),
    next:
      end < all.length
        ? {
            nextPageToken: Buffer.from(`${mark}:${end}`).toString("base64url"),
          }
        : {},
  };
}

/** Of a list that a call's query asks for. */
export function queriedPage<T>(
  all: readonly T[],
  { id, path, query }: Pick<Call, "id" | "path" | "query">,
  most: number,
  [size, token] = ["pageSize", "pageToken"],
): Page<T> {
  const of = [...query].filter(([name]) => name !== size && name !== token);
  return pageOf(
    all,
    {
      pageSize: query.get(size!),
      pageToken: query.get(token!),
      of: JSON.stringify([id, path, of]),
    },
    most,
  );
}

function offsetOf(token: string, mark: string): number {
  const text = Buffer.from(token, "base64url").toString();
  const [, given, offset] = /^([0-9a-f]{8}):(\d+)$/.exec(text) ?? [];
  if (given !== mark) {
    throw new ApiError(400, "The page token is invalid.");
  }
  return Number(offset);
}
