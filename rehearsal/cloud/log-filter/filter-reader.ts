import { filterError } from "./filter-error";
import type { FilterToken } from "./filter-tokens";
import type { Operand } from "./operand";

/** Reads a filter's pieces one after the other. */
export class FilterReader {
  private position = 0;

  constructor(private readonly tokens: readonly FilterToken[]) {}

  /** The one that comes now; undefined at the end. */
  get next(): FilterToken | undefined {
    return this.tokens[this.position];
  }

  /** Whether another restriction follows without an AND before it. */
  get followed(): boolean {
    return this.next !== undefined && this.next.kind !== ")" && !this.is("OR");
  }

  /** Takes a sign or a logical operator, if that is what comes now. */
  took(what: string): boolean {
    const found = this.is(what);
    if (found) this.position += 1;
    return found;
  }

  /** Takes an operator of a comparison, if one comes now. */
  operator(): string | undefined {
    if (this.next?.kind !== "operator") return undefined;
    return this.tokens[this.position++]!.text;
  }

  /** Words with dots between them, and no spaces. */
  words(): FilterToken[] {
    const words = [this.word()];
    while (this.next?.kind === "." && this.next.joined) {
      this.position += 1;
      words.push(this.word());
    }
    return words;
  }

  operand(): Operand {
    const words = this.words();
    const [{ kind }] = words as [FilterToken];
    return {
      text: words.map(({ text }) => text).join("."),
      quoted: words.length === 1 && kind === "quoted",
    };
  }

  unexpected(wanted?: string): Error {
    const { next } = this;
    const found = next ? `unexpected '${next.text}'` : "it ends too early";
    return filterError(wanted ? `${found}, not ${wanted},` : found, next?.at);
  }

  private is(what: string): boolean {
    return this.next?.kind !== "quoted" && this.next?.text === what;
  }

  private word(): FilterToken {
    const { next } = this;
    const isWord =
      next?.kind === "quoted" ||
      (next?.kind === "text" && !/^(AND|OR|NOT)$/.test(next.text));
    if (!isWord) throw this.unexpected("a field or a value");
    this.position += 1;
    return next;
  }
}
