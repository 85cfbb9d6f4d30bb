import { ApiError } from "../api-error";

/** Why a container cannot start, with the reason that its condition carries. */
export class StartFailure extends ApiError {
  constructor(
    code: number,
    message: string,
    readonly conditionReason: string,
  ) {
    super(code, message);
  }
}
