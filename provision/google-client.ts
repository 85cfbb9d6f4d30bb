import { type AuthClient, type gaxios } from "google-auth-library";
import { setTimeout as sleep } from "node:timers/promises";
import { GoogleApiError, googleApiError } from "./google-api-error";
import { googleCredentials, LOG_IN } from "./google-credentials";
import { type GoogleService, googleUrl, uploadUrl } from "./google-endpoints";

/** One call of a Google REST API. */
export interface GoogleRequest {
  readonly service: GoogleService;

  /** Below the service's version, names already encoded: `projects/p/builds`. */
  readonly path: string;

  /** @default "GET" */
  readonly method?: "GET" | "POST" | "PUT" | "PATCH" | "DELETE";

  readonly query?: Readonly<Record<string, string>>;

  /** Sent as JSON. */
  readonly body?: object;

  /**
   * Project that the call counts to. Some APIs take a person's credentials with
   * it only, and answer SERVICE_DISABLED for a project of Google's otherwise.
   *
   * @default what the credentials say
   * @see https://cloud.google.com/docs/quotas/set-quota-project
   */
  readonly quotaProject?: string;

  /** Bytes to upload; goes to the upload address of Cloud Storage. */
  readonly media?: { readonly type: string; readonly bytes: Buffer };

  readonly retry?: Retry;

  /** Seconds that one attempt may take. @default 60 */
  readonly timeoutSeconds?: number;
}

/**
 * When a failed call is made again. 429 always is: it says that nothing was
 * done. 408, 5xx and a lost connection leave that open, so they are repeated
 * only where repeating does no harm.
 */
export interface Retry {
  /** Whether repeating does no harm. @default true for all but POST */
  readonly idempotent?: boolean;

  /** Further failures worth waiting for, e.g. the 403 of a new grant. */
  readonly also?: (error: GoogleApiError) => boolean;

  /** Seconds after the first attempt at which to give up. @default 180 */
  readonly deadlineSeconds?: number;
}

export interface GoogleClient {
  /**
   * Makes a call, again if need be, and returns the answer's JSON.
   *
   * @throws GoogleApiError when it failed for good.
   */
  request<T>(request: GoogleRequest): Promise<T>;
}

export interface GoogleClientOptions {
  /** Seconds before the second attempt; doubles from there. @default 1 */
  readonly firstDelaySeconds?: number;

  /** Told of each failure that will be waited for. */
  readonly onRetry?: (error: GoogleApiError) => void;

  /** @default node-fetch, which honours HTTPS_PROXY */
  readonly fetchImplementation?: typeof fetch;
}

const LONGEST_DELAY_SECONDS = 30;

/**
 * A client of Google's REST APIs with the credentials and endpoints that the
 * Terraform provider takes from the same environment. Google's own REST clients
 * are not it: they keep only the origin of a custom endpoint.
 *
 * @throws (at the first request) if there are no credentials.
 */
export function googleClient(
  env: NodeJS.ProcessEnv,
  options: GoogleClientOptions = {},
): GoogleClient {
  // The token's own requests have no time limit unless the transporter has one.
  const transporterOptions: gaxios.GaxiosOptions = { timeout: 60_000 };
  if (options.fetchImplementation) {
    transporterOptions.fetchImplementation = options.fetchImplementation;
  }
  let credentials: Promise<AuthClient> | undefined;

  async function attempt<T>(request: GoogleRequest): Promise<T> {
    credentials ??= googleCredentials(env, transporterOptions);
    const auth = await credentials;
    const send = async () =>
      (await auth.request<T>(httpRequest(env, request))).data;
    try {
      return await send();
    } catch (cause) {
      const error = googleApiError(callName(request), cause);
      const refused = error instanceof GoogleApiError && error.status === 401;
      if (!refused || env["GOOGLE_OAUTH_ACCESS_TOKEN"]) {
        throw explain401(error, env);
      }
      // A revoked or skewed token looks valid here: ask once for a new one.
      auth.setCredentials({ ...auth.credentials, expiry_date: 1 });
      return send().catch((again: unknown) => {
        throw explain401(googleApiError(callName(request), again), env);
      });
    }
  }

  return {
    async request<T>(request: GoogleRequest): Promise<T> {
      const started = Date.now();
      const deadline = started + (request.retry?.deadlineSeconds ?? 180) * 1000;
      for (let delay = options.firstDelaySeconds ?? 1; ; delay *= 2) {
        try {
          return await attempt<T>(request);
        } catch (cause) {
          const error = cause as Error;
          if (!(error instanceof GoogleApiError)) throw error;
          const wait = Math.max(
            // Jitter: the two image builds should not knock at the same time.
            Math.min(delay, LONGEST_DELAY_SECONDS) * (0.5 + Math.random() / 2),
            error.retryAfter ?? 0,
          );
          if (
            !worthRepeating(error, request) ||
            Date.now() + wait * 1000 > deadline
          ) {
            throw error;
          }
          options.onRetry?.(error);
          await sleep(wait * 1000);
        }
      }
    },
  };
}

function worthRepeating(
  error: GoogleApiError,
  request: GoogleRequest,
): boolean {
  const { idempotent = (request.method ?? "GET") !== "POST", also } =
    request.retry ?? {};
  const { status } = error;
  if (status === 429 || also?.(error)) return true;
  const unclear = status === undefined || status === 408 || status >= 500;
  return idempotent && unclear;
}

function httpRequest(
  env: NodeJS.ProcessEnv,
  request: GoogleRequest,
): gaxios.GaxiosOptions {
  const { service, path, method, query, body, media, timeoutSeconds } = request;
  const headers = {
    ...(request.quotaProject
      ? { "x-goog-user-project": request.quotaProject }
      : {}),
    ...(media ? { "content-type": media.type } : {}),
  };
  return {
    url: media ? uploadUrl(env, path) : googleUrl(env, service, path),
    method: method ?? "GET",
    timeout: (timeoutSeconds ?? 60) * 1000,
    responseType: "json",
    retry: false,
    ...(query ? { params: query } : {}),
    headers,
    ...(body ? { data: body } : {}),
    ...(media ? { data: media.bytes } : {}),
  };
}

function callName({ method, service, path }: GoogleRequest): string {
  return `${method ?? "GET"} ${service} ${path}`;
}

function explain401(error: Error, env: NodeJS.ProcessEnv): Error {
  if (!(error instanceof GoogleApiError) || error.status !== 401) return error;
  return new Error(
    env["GOOGLE_OAUTH_ACCESS_TOKEN"]
      ? "Google refused the token in GOOGLE_OAUTH_ACCESS_TOKEN (such tokens last an hour): export a new one, `export GOOGLE_OAUTH_ACCESS_TOKEN=$(gcloud auth print-access-token)`, or unset it and log in with `gcloud auth application-default login`, which renews itself; what already runs in the cloud goes on, and the next deploy attaches to it"
      : `Google refused the credentials (${error.message}): ${LOG_IN}`,
  );
}
