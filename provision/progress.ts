/** Seconds of silence after which a line says what is being waited for. */
const QUIET_SECONDS = 15;

/**
 * Output of a provisioner. Terraform shows it line by line, each with a prefix,
 * so there are no bars and no carriage returns.
 */
export class Progress {
  private lastLine = Date.now();

  constructor(
    private readonly write: (text: string) => void,
    private readonly quietSeconds = QUIET_SECONDS,
  ) {}

  /** Prints a line, or several if the text has several. */
  line(text: string): void {
    for (const line of printable(text)) this.write(`${line}\n`);
    this.lastLine = Date.now();
  }

  /** Prints a line only if nothing has been printed for a while. */
  state(text: string): void {
    if (Date.now() - this.lastLine >= this.quietSeconds * 1000) this.line(text);
  }
}

/**
 * Lines of a container's output without what would move a cursor: of a progress
 * bar that overwrites itself, only its last state.
 */
export function printable(text: string): string[] {
  return text
    .split(/\r?\n/)
    .map((line) => line.split("\r").filter(Boolean).at(-1) ?? "")
    .map((line) =>
      line
        .replace(/\x1b\[[0-9;?]*[A-Za-z]/g, "")
        .replace(/[\x00-\x08\x0b-\x1f\x7f]/g, "")
        .trimEnd(),
    )
    .filter((line) => line !== "");
}

/** `75` as `1 min 15 s`, `7500` as `2 h 5 min`. */
export function duration(seconds: number): string {
  const whole = Math.round(seconds);
  if (whole < 60) return `${whole} s`;
  if (whole < 3600) return `${Math.floor(whole / 60)} min ${whole % 60} s`;
  const minutes = Math.round(whole / 60);
  return `${Math.floor(minutes / 60)} h ${minutes % 60} min`;
}
