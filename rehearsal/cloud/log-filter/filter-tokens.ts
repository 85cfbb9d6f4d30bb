import { filterError } from "./filter-error";

/** A piece of a filter. */
export interface FilterToken {
  readonly kind: "text" | "quoted" | "operator" | "(" | ")" | "." | "-" | ",";

  /** As it stands there; of a quoted one what is between the quotation marks. */
  readonly text: string;

  /** Where it begins. */
  readonly at: number;

  /** Whether nothing stands between it and the one before: a path is written without spaces. */
  readonly joined: boolean;
}

const LONGEST = 20_000;

const SPACE = /(?:\s|--[^\n]*)*/y;
const PIECE =
  /(?<quoted>"(?:[^"\\]|\\[^])*")|(?<operator>=~|!~|!=|>=|<=|[=<>:])|(?<sign>[().,])|(?<minus>-(?=["\p{L}_(]))|-?[\p{L}\p{N}_*/+@%$#][\p{L}\p{N}_*/+@%$#-]*/uy;

/**
 * The pieces of a filter, without spaces and comments.
 *
 * @throws ApiError for what is none, and for more than 20,000 characters
 * @see https://cloud.google.com/logging/docs/view/logging-query-language#syntax-notation
 */
export function filterTokens(filter: string): FilterToken[] {
  if (filter.length > LONGEST) {
    throw filterError(
      `it has ${filter.length} characters; allowed are ${LONGEST}`,
    );
  }
  const tokens: FilterToken[] = [];
  let at = 0;
  for (;;) {
    SPACE.lastIndex = at;
    const space = SPACE.exec(filter)?.[0].length ?? 0;
    at += space;
    if (at >= filter.length) return tokens;
    PIECE.lastIndex = at;
    const match = PIECE.exec(filter);
    if (match === null) {
      throw filterError(
        filter[at] === '"'
          ? "a quotation mark is not closed"
          : `unexpected '${filter[at]}'`,
        at,
      );
    }
    const { quoted, operator, sign, minus } = match.groups!;
    const text = quoted?.slice(1, -1) ?? match[0];
    const kind = quoted
      ? "quoted"
      : operator
        ? "operator"
        : minus
          ? "-"
          : ((sign as FilterToken["kind"] | undefined) ?? "text");
    tokens.push({ kind, text, at, joined: space === 0 && at > 0 });
    at += match[0].length;
  }
}
