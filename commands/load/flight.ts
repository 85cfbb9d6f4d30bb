import type { Answer } from "./answer-stream";
import { MOST_IN_FLIGHT } from "./connections";
import type { Prompts } from "./prompt";
import { RequestFailure } from "./request-failure";
import type { Exchange } from "./streaming-request";

/** How one request went; times as `performance.now()` has them. */
export interface Outcome {
  /** When it was to start: what its latency counts from. */
  readonly intendedAt: number;
  readonly sentAt: number;
  /** How many others were in flight when it was sent. */
  readonly others: number;
  /** The answer, why there is none, or that this program stopped waiting. */
  readonly result: Answer | RequestFailure | "cut off";
}

export interface FlightProps {
  readonly exchange: Exchange;
  readonly prompts: Prompts;
  /** How long one request may take, from when it was to start. */
  readonly timeoutSeconds: number;
  /** Told after each change how many are in flight. */
  readonly changed: (count: number) => void;
  /** Told what became of each request. */
  readonly landed: (outcome: Outcome) => void;
}

/** All requests that are under way. */
export class Flight {
  private readonly under = new Map<AbortController, Promise<Outcome>>();

  public constructor(private readonly props: FlightProps) {}

  public get count(): number {
    return this.under.size;
  }

  /** Sends the next prompt at once. What fails is an outcome as well. */
  public send(intendedAt: number): Promise<Outcome> {
    const sentAt = performance.now();
    const others = this.count;
    const controller = new AbortController();
    const outcome = this.exchange(intendedAt, controller).then((result) => {
      this.under.delete(controller);
      this.props.changed(this.count);
      const outcome = { intendedAt, sentAt, others, result };
      this.props.landed(outcome);
      return outcome;
    });
    this.under.set(controller, outcome);
    this.props.changed(this.count);
    return outcome;
  }

  /** Once nothing is under way any more. */
  public async landing(): Promise<void> {
    await Promise.all(this.under.values());
  }

  /** Gives up on whatever is under way. */
  public async cutOff(): Promise<void> {
    for (const controller of this.under.keys()) {
      controller.abort("cut off");
    }
    await this.landing();
  }

  private async exchange(
    intendedAt: number,
    controller: AbortController,
  ): Promise<Outcome["result"]> {
    const { exchange, prompts, timeoutSeconds } = this.props;
    if (this.count >= MOST_IN_FLIGHT) {
      return new RequestFailure(
        "not sent",
        `${MOST_IN_FLIGHT} requests were in flight, and this program sends no more at a time`,
      );
    }
    const late = new RequestFailure(
      "timeout",
      `no whole answer within ${timeoutSeconds} s`,
    );
    const timer = setTimeout(
      () => controller.abort(late),
      intendedAt + timeoutSeconds * 1000 - performance.now(),
    );
    try {
      return await exchange(prompts.next().value, controller.signal);
    } catch (error) {
      if (error === "cut off" || error instanceof RequestFailure) {
        return error;
      }
      throw error;
    } finally {
      clearTimeout(timer);
    }
  }
}
