/** A request without a whole answer. */
export class RequestFailure extends Error {
  constructor(
    /** What failures are counted by, such as "HTTP 429". */
    readonly kind: string,
    /** What was seen this time. */
    message: string,
  ) {
    super(message);
  }
}
