/** One thing that a name stands for today and may not tomorrow. */
export interface PinnedThing {
  /** What it is, such as `dev/gemma-2b-sql-finetuned base google/gemma-2b`. */
  readonly what: string;

  /** File that it stands in, relative to the root. */
  readonly file: string;

  /** What stands there now. */
  readonly old: string;

  /** Asks the network what stands for it. @throws with one line */
  readonly resolve: () => Promise<string>;

  /** The file's text with the new value in place of the old one. */
  readonly replace: (text: string, resolved: string) => string;
}
