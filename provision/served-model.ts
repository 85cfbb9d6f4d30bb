import { setTimeout as sleep } from "node:timers/promises";
import { mayBeStarting } from "../commands/ask/service-call";
import { shortened } from "../commands/ask/shortened";
import { type Http, type HttpAnswer, HttpError } from "../commands/http";
import { Unchecked } from "./unchecked";

/** What no start from zero explains, but a name that is only just made may. */
const NOT_THERE = ["ENOTFOUND", "ECONNREFUSED", "EAI_AGAIN"];
const NOT_THERE_SECONDS = 60;

export interface ServedModelOptions {
  readonly url: string;

  /** Identity token; none for a server on this machine. */
  readonly token: string | null;
  readonly http: Http;

  /** When all requests together give up, in seconds. */
  readonly limitSeconds: number;

  /**
   * For how long a refusal (403) may be a grant that has not got around, in
   * seconds. @see https://cloud.google.com/iam/docs/access-change-propagation
   */
  readonly grantSeconds: number;

  /** Told what is waited for, again and again. */
  readonly say: (text: string) => void;

  /** Seconds before the second attempt; doubles up to 10. @default 1 */
  readonly firstDelaySeconds?: number;
}

/** The service refused who asks. */
export class Refused extends Unchecked {
  constructor(readonly status: 401 | 403) {
    super(`the service answered ${status}`);
  }
}

/** The service answered a request with an error. */
export class ServerError extends Error {
  constructor(
    path: string,
    readonly status: number,
    readonly said: string,
  ) {
    super(`${path} answered ${status}: ${said}`);
  }
}

/** A server of vLLM's API, which may have to start from zero first. */
export class ServedModel {
  private readonly began = Date.now();
  private answered = false;

  constructor(private readonly options: ServedModelOptions) {}

  /**
   * Asks, and waits while Cloud Run starts an instance or has none to spare.
   *
   * @returns the answer's JSON.
   * @throws ServerError, Refused, or Unchecked when nothing answers in time.
   * @see https://cloud.google.com/run/docs/troubleshooting
   */
  async ask<T>(path: string, body?: object): Promise<T> {
    const { limitSeconds, grantSeconds, say } = this.options;
    for (let delay = this.options.firstDelaySeconds ?? 1; ; delay *= 2) {
      const left = limitSeconds - this.seconds();
      let reason: string;
      let limit = limitSeconds;
      try {
        const answer = await this.exchange(path, body, Math.max(left, 1));
        if (answer.status === 200) {
          this.answered = true;
          return json<T>(path, answer);
        }
        reason = `it answered ${answer.status}`;
        const { status } = answer;
        if (status === 401 || status === 403) {
          // A new grant: whoever applies was only just let in.
          if (status === 401 || this.seconds() > grantSeconds) {
            throw new Refused(status);
          }
        } else if (!mayBeStarting(answer)) {
          throw new ServerError(path, status, shortened(answer.text));
        }
      } catch (error) {
        if (!(error instanceof HttpError)) throw error;
        reason = error.message;
        if (NOT_THERE.includes(error.code ?? "")) {
          limit = Math.min(limit, NOT_THERE_SECONDS);
        }
      }
      if (this.seconds() + delay > limit) {
        throw new Unchecked(
          `the service gave no answer within ${limit} s (${reason})`,
        );
      }
      say(`waiting for the service, which may be starting (${reason})`);
      await sleep(Math.min(delay, 10) * 1000);
    }
  }

  private async exchange(
    path: string,
    body: object | undefined,
    timeoutSeconds: number,
  ): Promise<HttpAnswer> {
    const { url, token, http, say } = this.options;
    const waiting = setInterval(() => {
      if (!this.answered) {
        say("waiting for the service, which may be starting from zero");
      }
    }, 1000);
    try {
      return await http(`${url.replace(/\/+$/, "")}${path}`, {
        method: body === undefined ? "GET" : "POST",
        ...(body === undefined ? {} : { body }),
        headers: token === null ? {} : { authorization: `Bearer ${token}` },
        timeoutSeconds,
      });
    } finally {
      clearInterval(waiting);
    }
  }

  private seconds(): number {
    return (Date.now() - this.began) / 1000;
  }
}

function json<T>(path: string, { status, text }: HttpAnswer): T {
  try {
    return JSON.parse(text) as T;
  } catch {
    throw new ServerError(path, status, `no JSON: ${shortened(text)}`);
  }
}
