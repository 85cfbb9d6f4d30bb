import { RawAnswer } from "../call";

/** A refusal of the token endpoint, which is no API and has a form of its own. @see https://www.rfc-editor.org/rfc/rfc6749#section-5.2 */
export class OAuthError extends Error {
  constructor(
    /** Such as `invalid_grant`. */
    readonly error: string,
    description: string,
    readonly status: 400 | 401 = 400,
  ) {
    super(description);
  }

  get answer(): RawAnswer {
    const { error, message, status } = this;
    return new RawAnswer(
      status,
      { "content-type": "application/json; charset=UTF-8" },
      Buffer.from(
        JSON.stringify({
          error,
          ...(message ? { error_description: message } : {}),
        }),
      ),
    );
  }
}
