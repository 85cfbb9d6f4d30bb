import type { RequestFailure } from "./request-failure";

/** Failures of one kind. */
export interface FailuresOfAKind {
  readonly kind: string;
  count: number;
  /** What was seen the first time. */
  readonly example: string;
}

/** Failures counted by kind: servers' texts differ, kinds are few. */
export class Failures {
  private readonly kinds = new Map<string, FailuresOfAKind>();

  public add({ kind, message }: RequestFailure): void {
    const known = this.kinds.get(kind);
    if (known) {
      known.count += 1;
    } else {
      this.kinds.set(kind, { kind, count: 1, example: message });
    }
  }

  /** The most frequent first. */
  public get byKind(): readonly FailuresOfAKind[] {
    return [...this.kinds.values()].sort((a, b) => b.count - a.count);
  }

  public get count(): number {
    return this.byKind.reduce((sum, { count }) => sum + count, 0);
  }
}
