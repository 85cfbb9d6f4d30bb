/** npm passes a terminal's Ctrl-C on, which has reached this process already. */
const SAME_MS = 1000;

/** Turns Ctrl-C into an abort for as long as it is needed; a second one ends the process. */
export class Interruption {
  private readonly controller = new AbortController();
  private at: number | undefined;

  public constructor() {
    process.on("SIGINT", this.interrupt);
    process.on("SIGTERM", this.interrupt);
  }

  public get signal(): AbortSignal {
    return this.controller.signal;
  }

  public done(): void {
    process.off("SIGINT", this.interrupt);
    process.off("SIGTERM", this.interrupt);
  }

  private readonly interrupt = () => {
    if (this.at !== undefined && performance.now() - this.at > SAME_MS) {
      process.exit(130);
    }
    this.at ??= performance.now();
    this.controller.abort();
  };
}
