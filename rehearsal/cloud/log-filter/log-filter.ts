import type { Schema } from "../discovery/document";
import { comparison, type Predicate } from "./comparison";
import { filterError } from "./filter-error";
import { FilterReader } from "./filter-reader";
import { type FilterToken, filterTokens } from "./filter-tokens";
import { has } from "./free-value";
import { logField } from "./log-field";
import { quotedText } from "./quoted-text";

/** Of parentheses within each other. */
const DEEPEST = 50;

/**
 * A filter in Logging's query language as a function. Of its functions only `log_id` is known.
 *
 * @param schemas - of Logging's discovery document
 * @throws ApiError for what is not understood
 * @see https://cloud.google.com/logging/docs/view/logging-query-language
 */
export function logFilter(
  filter: string,
  schemas: Readonly<Record<string, Schema>>,
): Predicate {
  const tokens = filterTokens(filter);
  return tokens.length === 0
    ? () => true
    : new FilterParser(new FilterReader(tokens), schemas).whole();
}

/** Recursive descent: NOT binds most, then OR, then AND, which may be left out. */
class FilterParser {
  private depth = 0;

  constructor(
    private readonly reader: FilterReader,
    private readonly schemas: Readonly<Record<string, Schema>>,
  ) {}

  whole(): Predicate {
    const holds = this.conjunction(() => this.restriction());
    if (this.reader.next) throw this.reader.unexpected();
    return holds;
  }

  /** @param leaf - reads what stands between the logical operators */
  private conjunction(leaf: () => Predicate): Predicate {
    const all = [this.disjunction(leaf)];
    while (this.reader.took("AND") || this.reader.followed) {
      all.push(this.disjunction(leaf));
    }
    return (entry) => all.every((holds) => holds(entry));
  }

  private disjunction(leaf: () => Predicate): Predicate {
    const any = [this.negation(leaf)];
    while (this.reader.took("OR")) any.push(this.negation(leaf));
    return (entry) => any.some((holds) => holds(entry));
  }

  private negation(leaf: () => Predicate): Predicate {
    if (this.reader.took("NOT") || this.reader.took("-")) {
      const holds = this.group(leaf);
      return (entry) => !holds(entry);
    }
    return this.group(leaf);
  }

  private group(leaf: () => Predicate): Predicate {
    if (!this.reader.took("(")) return leaf();
    if (++this.depth > DEEPEST) {
      throw filterError(
        `more than ${DEEPEST} parentheses stand within each other`,
      );
    }
    const holds = this.conjunction(leaf);
    this.close();
    this.depth -= 1;
    return holds;
  }

  /** A comparison, a function, or a text that may stand anywhere in an entry. */
  private restriction(): Predicate {
    const words = this.reader.words();
    const operator = this.reader.operator();
    if (operator !== undefined) {
      const field = logField(words.map(textOf), this.schemas);
      // `resource.type = ("a" OR "b")`: the values are joined, not the comparisons.
      return this.group(() =>
        comparison(field, operator, this.reader.operand()),
      );
    }
    const [{ kind, text }] = words as [FilterToken];
    const { next } = this.reader;
    if (next?.kind === "(" && next.joined && kind === "text") {
      return this.call(text);
    }
    const asked = words.map(textOf).join(".");
    return (entry) => has(entry, asked);
  }

  /** `log_id("run.googleapis.com/stdout")`: the end of a log's name. */
  private call(name: string): Predicate {
    if (name !== "log_id") {
      throw filterError(
        `the function '${name}' is not spoken by this local cloud`,
      );
    }
    this.reader.took("(");
    const id = this.reader.operand().text;
    this.close();
    const end = `/logs/${encodeURIComponent(id)}`;
    return ({ logName = "" }) => String(logName).endsWith(end);
  }

  private close(): void {
    if (!this.reader.took(")")) {
      throw this.reader.unexpected("a closing parenthesis");
    }
  }
}

function textOf({ kind, text }: FilterToken): string {
  return kind === "quoted" ? quotedText(text) : text;
}
