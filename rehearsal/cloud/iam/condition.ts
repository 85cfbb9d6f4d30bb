/** What a condition may ask about. */
export interface ConditionContext {
  /** Such as `projects/_/buckets/B/objects/NAME`. */
  readonly "resource.name": string;

  /** Such as `storage.googleapis.com/Object`. */
  readonly "resource.type": string;

  /** Such as `storage.googleapis.com`. */
  readonly "resource.service": string;
}

/**
 * Whether a condition holds. As much of the Common Expression Language as conditions on names take:
 * `==`, `!=`, `&&`, `||`, `!`, brackets, `startsWith`, `endsWith`, `contains`, texts.
 *
 * @throws SyntaxError for anything else
 * @see https://cloud.google.com/iam/docs/conditions-attribute-reference
 */
export function holds(expression: string, context: ConditionContext): boolean {
  const parser = new Parser(tokens(expression), context);
  const result = parser.either();
  parser.end();
  return result;
}

function tokens(expression: string): string[] {
  const found: string[] = [];
  let rest = expression.trim();
  while (rest !== "") {
    const token =
      /^("(?:[^"\\]|\\.)*"|'(?:[^'\\]|\\.)*'|&&|\|\||==|!=|[!().]|\w+)/.exec(
        rest,
      )?.[0];
    if (token === undefined) {
      throw new SyntaxError(`at '${rest}'`);
    }
    found.push(token);
    rest = rest.slice(token.length).trim();
  }
  return found;
}

class Parser {
  private next = 0;

  constructor(
    private readonly tokens: readonly string[],
    private readonly context: ConditionContext,
  ) {}

  either(): boolean {
    let result = this.both();
    while (this.take("||")) {
      const right = this.both();
      result = result || right;
    }
    return result;
  }

  end(): void {
    if (this.next < this.tokens.length) {
      throw new SyntaxError(`at '${this.tokens[this.next]}'`);
    }
  }

  private both(): boolean {
    let result = this.one();
    while (this.take("&&")) {
      const right = this.one();
      result = result && right;
    }
    return result;
  }

  private one(): boolean {
    if (this.take("!")) return !this.one();
    if (this.take("(")) {
      const result = this.either();
      this.expect(")");
      return result;
    }
    const left = this.text();
    if (this.take("==")) return left === this.text();
    if (this.take("!=")) return left !== this.text();
    this.expect(".");
    const method = this.tokens[this.next++];
    this.expect("(");
    const argument = this.text();
    this.expect(")");
    if (method === "startsWith") return left.startsWith(argument);
    if (method === "endsWith") return left.endsWith(argument);
    if (method === "contains") return left.includes(argument);
    throw new SyntaxError(`undeclared reference to '${method}'`);
  }

  private text(): string {
    const token = this.tokens[this.next++] ?? "";
    if (/^["']/.test(token)) {
      return token.slice(1, -1).replace(/\\(.)/g, "$1");
    }
    this.expect(".");
    const name = `${token}.${this.tokens[this.next++]}`;
    if (!(name in this.context)) {
      throw new SyntaxError(`undeclared reference to '${name}'`);
    }
    return this.context[name as keyof ConditionContext];
  }

  private take(token: string): boolean {
    const found = this.tokens[this.next] === token;
    if (found) this.next += 1;
    return found;
  }

  private expect(token: string): void {
    if (!this.take(token)) {
      throw new SyntaxError(
        `expected '${token}' at '${this.tokens[this.next] ?? "the end"}'`,
      );
    }
  }
}
