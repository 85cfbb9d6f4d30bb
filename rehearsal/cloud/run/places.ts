import { StartFailure } from "./start-failure";

/** Places for requests at the instances of a revision: how many it works on at once. */
export class Places {
  private taken = 0;
  private readonly waiting: (() => void)[] = [];

  constructor(private readonly most: number) {}

  /**
   * Waits for a place; who came first has it first.
   *
   * @throws StartFailure when none came free in time
   */
  async take(seconds: number): Promise<void> {
    if (this.taken < this.most) {
      this.taken += 1;
      return;
    }
    await new Promise<void>((resolve, reject) => {
      const mine = () => {
        clearTimeout(timer);
        resolve();
      };
      const timer = setTimeout(() => {
        this.waiting.splice(this.waiting.indexOf(mine), 1);
        reject(
          new StartFailure(
            429,
            "The request was aborted because there was no available instance.",
            "COMMON_REASON_UNDEFINED",
          ),
        );
      }, seconds * 1000);
      this.waiting.push(mine);
    });
  }

  /** Gives a place back, or on to whoever waits. */
  free(): void {
    const next = this.waiting.shift();
    if (next) next();
    else this.taken -= 1;
  }
}
