import { closeSync, openSync, readSync } from "node:fs";

const EVERY_MS = 200;

/** Hands on the lines of a file that grows. */
export class LogTail {
  private position = 0;
  private rest = Buffer.alloc(0);
  private readonly descriptor: number;
  private readonly timer: NodeJS.Timeout;
  private ended = false;

  constructor(
    file: string,
    private readonly onLine: (line: string) => void,
  ) {
    this.descriptor = openSync(file, "r");
    this.timer = setInterval(() => this.read(), EVERY_MS);
    this.timer.unref();
  }

  /** Takes the last lines, the one without a line end too. */
  async end(): Promise<void> {
    if (this.ended) return;
    this.ended = true;
    clearInterval(this.timer);
    this.read();
    if (this.rest.length > 0) this.onLine(this.rest.toString());
    closeSync(this.descriptor);
  }

  private read(): void {
    const piece = Buffer.alloc(1 << 16);
    for (;;) {
      const length = readSync(
        this.descriptor,
        piece,
        0,
        piece.length,
        this.position,
      );
      if (length === 0) return;
      this.position += length;
      this.rest = Buffer.concat([this.rest, piece.subarray(0, length)]);
      for (
        let end = this.rest.indexOf("\n");
        end !== -1;
        end = this.rest.indexOf("\n")
      ) {
        const line = this.rest.subarray(0, end).toString().trimEnd();
        this.rest = this.rest.subarray(end + 1);
        if (line !== "") this.onLine(line);
      }
    }
  }
}
