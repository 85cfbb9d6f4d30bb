import { gaxios } from "google-auth-library";

/** Why a call to a Google API failed. */
export class GoogleApiError extends Error {
  /**
   * @param status - of the HTTP answer; undefined if none arrived, in which case
   * nobody knows whether the call had its effect.
   * @param reasons - machine-readable: `SERVICE_DISABLED`, `accessNotConfigured`,
   * `FAILED_PRECONDITION`, ...
   * @param retryAfter - seconds that the server asks to wait.
   */
  constructor(
    message: string,
    readonly status?: number,
    readonly reasons: readonly string[] = [],
    readonly retryAfter?: number,
  ) {
    super(message);
    this.name = "GoogleApiError";
  }

  /** Whether the API is off, or so new that its enabling has not got around. */
  get serviceDisabled(): boolean {
    return (
      this.status === 403 &&
      (this.reasons.some((reason) =>
        ["SERVICE_DISABLED", "accessNotConfigured"].includes(reason),
      ) ||
        /has not been used in project|it is disabled/.test(this.message))
    );
  }

  /** Whether Cloud Storage has no more room. */
  get storageFull(): boolean {
    return this.status === 403 && this.reasons.includes("quotaExceeded");
  }

  /**
   * Whether a project that is only just made may answer so for some minutes:
   * 403 until a grant or an API has got around, 404 until a resource has.
   *
   * @see https://cloud.google.com/iam/docs/access-change-propagation
   */
  get maybeTooEarly(): boolean {
    return (
      (this.status === 403 && !this.reasons.includes("quotaExceeded")) ||
      this.status === 404
    );
  }
}

interface ErrorBody {
  /** A string only where OAuth answers: the credentials themselves failed. */
  readonly error?: string | ApiError;
  readonly error_description?: string;
}

interface ApiError {
  readonly message?: string;
  readonly status?: string;
  readonly errors?: readonly { readonly reason?: string }[];
  readonly details?: readonly { readonly reason?: string }[];
}

/**
 * Reads what an API says of its failure; returns any other error as it is. Understands the two forms of Google's
 * error bodies: `details` with ErrorInfo, and `errors` of the older services.
 *
 * @see https://cloud.google.com/apis/design/errors
 */
export function googleApiError(call: string, cause: unknown): Error {
  // Anything else never left: credentials that cannot be read, a wrong endpoint.
  if (!(cause instanceof gaxios.GaxiosError)) return cause as Error;
  const answer = cause.response;
  if (answer === undefined) {
    return new GoogleApiError(`${call}: no answer (${lostReason(cause)})`);
  }
  const body = answer.data as ErrorBody | string | undefined;
  if (typeof body === "object" && typeof body.error === "string") {
    const { error, error_description: detail } = body;
    return new GoogleApiError([error, detail].filter(Boolean).join(": "), 401);
  }
  const error = typeof body === "object" ? (body.error as ApiError) : undefined;
  const said =
    error?.message ?? (typeof body === "string" ? body.slice(0, 300) : "");
  return new GoogleApiError(
    `${call}: ${answer.status}${said === "" ? "" : ` ${said}`}`,
    answer.status,
    [
      error?.status,
      ...[...(error?.details ?? []), ...(error?.errors ?? [])].map(
        ({ reason }) => reason,
      ),
    ].filter((reason) => reason !== undefined),
    retryAfterSeconds(answer.headers.get("retry-after")),
  );
}

function lostReason(cause: unknown): string {
  const { code, message } = cause as { code?: unknown; message?: string };
  return [code, message].filter((part) => part !== undefined).join(", ");
}

/** Seconds or a date. @see https://www.rfc-editor.org/rfc/rfc9110#field.retry-after */
function retryAfterSeconds(header: string | null): number | undefined {
  if (header === null) return undefined;
  const seconds = Number(header);
  if (Number.isFinite(seconds)) return Math.max(0, seconds);
  const until = (Date.parse(header) - Date.now()) / 1000;
  return Number.isFinite(until) ? Math.max(0, until) : undefined;
}
