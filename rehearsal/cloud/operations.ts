import { setTimeout as sleep } from "node:timers/promises";
import { ApiError } from "./api-error";
import type { CloudSettings } from "./cloud-settings";
import { nextNumber } from "./identifiers";
import type { CloudState, Json } from "./state";

/** Long-running operations. @see https://google.aip.dev/151 */
export class Operations {
  constructor(
    private readonly state: CloudState,
    private readonly settings: CloudSettings,
  ) {}

  /**
   * Starts an operation whose work goes on after the answer.
   *
   * @param parent - `projects/P/locations/L`, or "" for an operation of its own
   * @param work - returns the response; an ApiError becomes the operation's error
   */
  start(
    parent: string,
    metadata: Json,
    work: () => Promise<Json> | Json,
  ): Json {
    const name = `${parent === "" ? "" : `${parent}/`}operations/${parent === "" ? "acf." : ""}${nextNumber()}`;
    const notBefore = Date.now() + this.settings.operationDelay * 1000;
    const { operations } = this.state;
    const operation = { name, metadata, done: false, notBefore };
    operations[name] = operation;
    void this.finish(operation, work);
    return this.get(name);
  }

  /**
   * Keeps an operation from ever being done.
   *
   * @returns it, or undefined if there is none
   */
  hold(name: string): Json | undefined {
    const found = this.state.operations[name];
    if (found === undefined) return undefined;
    found.notBefore = Infinity;
    return this.get(name);
  }

  /** @throws ApiError if there is none */
  get(name: string): Json {
    const found = this.state.operations[name];
    if (found === undefined) {
      throw new ApiError(404, `Operation ${name} was not found.`);
    }
    const { metadata, done, response, error, notBefore } = found;
    return {
      name,
      metadata,
      ...(done && Date.now() >= notBefore
        ? { done: true, ...(error ? { error } : { response: response ?? {} }) }
        : {}),
    };
  }

  /** As `operations.wait` does: answers when it is done, or after a while. */
  async wait(name: string, seconds: number): Promise<Json> {
    const until = Date.now() + seconds * 1000;
    while (!this.get(name)["done"] && Date.now() < until) {
      await sleep(200);
    }
    return this.get(name);
  }

  private async finish(
    operation: { done: boolean; response?: Json; error?: object },
    work: () => Promise<Json> | Json,
  ): Promise<void> {
    try {
      operation.response = await work();
    } catch (error) {
      operation.error =
        error instanceof ApiError
          ? error.rpcStatus
          : { code: 13, message: (error as Error).message };
    }
    operation.done = true;
  }
}
