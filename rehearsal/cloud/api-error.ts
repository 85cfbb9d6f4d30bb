/** Names of canonical codes, and the HTTP statuses that carry them. @see https://cloud.google.com/apis/design/errors */
const STATUSES: Readonly<Record<number, string>> = {
  400: "INVALID_ARGUMENT",
  401: "UNAUTHENTICATED",
  403: "PERMISSION_DENIED",
  404: "NOT_FOUND",
  409: "ALREADY_EXISTS",
  412: "FAILED_PRECONDITION",
  416: "OUT_OF_RANGE",
  429: "RESOURCE_EXHAUSTED",
  500: "INTERNAL",
  501: "UNIMPLEMENTED",
  503: "UNAVAILABLE",
};

/** Numbers of google.rpc.Code, which operations carry instead of HTTP statuses. */
const CODES: Readonly<Record<string, number>> = {
  INVALID_ARGUMENT: 3,
  NOT_FOUND: 5,
  ALREADY_EXISTS: 6,
  PERMISSION_DENIED: 7,
  RESOURCE_EXHAUSTED: 8,
  FAILED_PRECONDITION: 9,
  ABORTED: 10,
  OUT_OF_RANGE: 11,
  UNIMPLEMENTED: 12,
  INTERNAL: 13,
  UNAVAILABLE: 14,
  UNAUTHENTICATED: 16,
};

export interface ApiErrorOptions {
  /** Canonical code. @default the one that goes with the HTTP status */
  readonly status?: string;

  /** Machine-readable: `SERVICE_DISABLED`, `notFound`, ... */
  readonly reason?: string;

  /** Of the ErrorInfo beside the reason. */
  readonly metadata?: Readonly<Record<string, string>>;
  readonly headers?: Readonly<Record<string, string>>;
}

/** A refusal in the form that Google's APIs give it. */
export class ApiError extends Error {
  readonly status: string;
  readonly headers: Readonly<Record<string, string>>;

  constructor(
    readonly code: number,
    message: string,
    private readonly options: ApiErrorOptions = {},
  ) {
    super(message);
    this.status = options.status ?? STATUSES[code] ?? "UNKNOWN";
    this.headers = options.headers ?? {};
  }

  /** Both forms: `errors` of the older services, ErrorInfo in `details` of the others. */
  get body(): object {
    const { reason, metadata } = this.options;
    const details = reason && {
      "@type": "type.googleapis.com/google.rpc.ErrorInfo",
      reason,
      domain: "googleapis.com",
      ...(metadata ? { metadata } : {}),
    };
    const old =
      reason === "SERVICE_DISABLED" ? "accessNotConfigured" : (reason ?? "");
    return {
      error: {
        code: this.code,
        message: this.message,
        status: this.status,
        errors: [
          {
            message: this.message,
            domain: "global",
            reason: old || "badRequest",
          },
        ],
        ...(details ? { details: [details] } : {}),
      },
    };
  }

  /** google.rpc.Status, as a failed operation carries it. */
  get rpcStatus(): { readonly code: number; readonly message: string } {
    return { code: CODES[this.status] ?? 2, message: this.message };
  }
}
