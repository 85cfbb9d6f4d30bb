import { gaxios } from "google-auth-library";

export interface HttpRequest {
  /** @default "GET" */
  readonly method?: "GET" | "HEAD" | "POST";
  readonly headers?: Readonly<Record<string, string>>;
  /** Sent as JSON, or as a form. */
  readonly body?: object | URLSearchParams;
  /** @default 20 */
  readonly timeoutSeconds?: number;
}

export interface HttpAnswer {
  readonly status: number;
  readonly headers: Headers;
  readonly text: string;
}

/**
 * One exchange; every status is an answer.
 *
 * @throws HttpError when none arrived.
 */
export type Http = (url: string, request?: HttpRequest) => Promise<HttpAnswer>;

/** Nothing answered. */
export class HttpError extends Error {
  constructor(
    message: string,
    /** Such as ECONNREFUSED. */
    readonly code: string | undefined,
  ) {
    super(message);
  }
}

/**
 * An HTTP client that honours HTTPS_PROXY, which Node's own fetch does not.
 *
 * @param fetchImplementation - for tests: Jest cannot load the default one
 */
export function http(fetchImplementation?: typeof fetch): Http {
  const client = new gaxios.Gaxios();
  return async (url, request = {}) => {
    try {
      const { status, headers, data } = await client.request<string>({
        url,
        method: request.method ?? "GET",
        headers: { ...request.headers },
        timeout: (request.timeoutSeconds ?? 20) * 1000,
        responseType: "text",
        retry: false,
        validateStatus: () => true,
        ...(request.body ? { data: request.body } : {}),
        ...(fetchImplementation ? { fetchImplementation } : {}),
      });
      return { status, headers, text: data ?? "" };
    } catch (error) {
      throw noAnswer(url, error as Error);
    }
  };
}

function noAnswer(url: string, error: Error): HttpError {
  // fetch wraps what happened, gaxios wraps it again.
  let cause: { code?: unknown; message?: string; cause?: unknown } = error;
  let code: string | undefined;
  for (let depth = 0; depth < 5; depth += 1) {
    if (typeof cause.code === "string") code = cause.code;
    if (typeof cause.cause !== "object" || cause.cause === null) break;
    cause = cause.cause;
  }
  const timedOut = /timeout|aborted/i.test(`${error.message} ${error.name}`);
  const host = new URL(url).host;
  return new HttpError(
    `${host} does not answer (${code ?? (timedOut ? "timeout" : error.message)})`,
    code ?? (timedOut ? "ETIMEDOUT" : undefined),
  );
}
