import { setTimeout as sleep } from "node:timers/promises";
import { CommandError } from "../command-line";
import {
  type Http,
  type HttpAnswer,
  HttpError,
  type HttpRequest,
} from "../http";

/** Asks one service, and waits while it starts from zero. */
export interface ServiceCall {
  (path: string, request?: HttpRequest): Promise<HttpAnswer>;
}

export interface ServiceCallOptions {
  readonly url: string;
  /** Identity token; none for a server that asks for none. */
  readonly token: string | null;
  readonly http: Http;
  /** When all calls together give up, in seconds. */
  readonly deadlineSeconds: number;
  /** Told what it waits for. */
  readonly say: (text: string) => void;
  /** @default 5 */
  readonly patienceSeconds?: number;
  /** Seconds before the second attempt; doubles up to 10. @default 2 */
  readonly firstDelaySeconds?: number;
}

/**
 * Calls to a service that may have no instance. Cloud Run holds a request while
 * one starts, and answers 429, 503 or 504 when it cannot or will not wait.
 *
 * @throws CommandError when nothing answers by the deadline.
 * @see https://cloud.google.com/run/docs/troubleshooting
 */
export function serviceCall(options: ServiceCallOptions): ServiceCall {
  const { url, token, http, deadlineSeconds, say } = options;
  const deadline = Date.now() + deadlineSeconds * 1000;
  const local = isLocal(url);
  let told = false;
  const patience = (options.patienceSeconds ?? 5) * 1000;
  const tell = () => {
    if (!told && !local) {
      say(
        "The service may be starting from zero: loading a model takes some minutes.",
      );
    }
    told = true;
  };

  return async (path, request = {}) => {
    const timer = setTimeout(tell, patience);
    try {
      for (let delay = options.firstDelaySeconds ?? 2; ; delay *= 2) {
        const left = (deadline - Date.now()) / 1000;
        let reason: string;
        try {
          const answer = await http(`${url.replace(/\/+$/, "")}${path}`, {
            ...request,
            headers: {
              ...request.headers,
              ...(token === null ? {} : { authorization: `Bearer ${token}` }),
            },
            timeoutSeconds: Math.max(left, 1),
          });
          if (!mayBeStarting(answer)) {
            return answer;
          }
          reason = `it answered ${answer.status}`;
        } catch (error) {
          if (!(error instanceof HttpError)) throw error;
          if (["ECONNREFUSED", "ENOTFOUND"].includes(error.code ?? "")) {
            throw new CommandError(unreachable(url, error));
          }
          reason = error.message;
        }
        if (Date.now() + delay * 1000 > deadline) {
          throw new CommandError(
            `${url} did not answer within ${deadlineSeconds} seconds (${reason}). It may still be starting: ask again, or wait longer with --timeout SECONDS.`,
          );
        }
        tell();
        await sleep(Math.min(delay, 10) * 1000);
      }
    } finally {
      clearTimeout(timer);
    }
  };
}

/** Whether a server runs on this machine. */
export function isLocal(url: string): boolean {
  const { hostname } = new URL(url);
  return ["localhost", "127.0.0.1", "[::1]"].includes(hostname);
}

/** Whether it is Cloud Run that answers, for want of an instance. */
export function mayBeStarting({ status, text }: HttpAnswer): boolean {
  return (
    [429, 502, 503, 504].includes(status) ||
    // Cloud Run's own words; a 500 of the server itself will not go away.
    (status === 500 && text.includes("no available instance"))
  );
}

function unreachable(url: string, error: HttpError): string {
  return isLocal(url)
    ? `Nothing listens at ${url}. npm run rehearse -- --keep leaves a server up and prints its address.`
    : `${error.message}: check the address and the network.`;
}
