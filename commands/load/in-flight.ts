/** How many requests are under way, over a measured time in equal parts. */
export class InFlight {
  /** The most at a time, in each part. */
  public readonly mostByPart: number[];
  private last: number;
  private requestMilliseconds = 0;

  public constructor(
    private count: number,
    private readonly begin: number,
    private readonly partMilliseconds: number,
    parts: number,
  ) {
    this.last = begin;
    this.mostByPart = Array.from({ length: parts }, () => 0);
    this.mostByPart[0] = count;
  }

  public get most(): number {
    return Math.max(...this.mostByPart);
  }

  /** Mean from the beginning to the last change. */
  public get mean(): number {
    return this.requestMilliseconds / Math.max(this.last - this.begin, 1e-6);
  }

  /** Takes a change at a time in milliseconds; none goes back in time. */
  public changed(count: number, at: number): void {
    this.requestMilliseconds += this.count * (at - this.last);
    // Also the parts in which nothing changed, as while a server stands still.
    for (let part = this.part(this.last); part <= this.part(at); part += 1) {
      this.raise(part, this.count);
    }
    this.raise(this.part(at), count);
    this.last = at;
    this.count = count;
  }

  private part(at: number): number {
    return Math.min(
      Math.floor((at - this.begin) / this.partMilliseconds),
      this.mostByPart.length - 1,
    );
  }

  private raise(part: number, count: number): void {
    this.mostByPart[part] = Math.max(this.mostByPart[part] ?? 0, count);
  }
}
