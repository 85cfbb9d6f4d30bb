import { ApiError } from "../api-error";

/** What conditions are held against; nothing at all has the generation 0. */
interface Versioned {
  readonly generation?: string;
  readonly metageneration?: string;
}

/** For which of a call's conditions. */
export interface ConditionsOf {
  /** Those about what is copied. @default false */
  readonly source?: boolean;

  /** Whether the call only reads: then "not changed" is no failure, but 304. @default false */
  readonly reads?: boolean;
}

/**
 * Holds the conditions of a call against what is there.
 *
 * @throws ApiError 412, or 304 for a reader who has the newest already
 * @see https://cloud.google.com/storage/docs/request-preconditions
 */
export function checkPreconditions(
  query: Pick<URLSearchParams, "get">,
  present: Versioned | undefined,
  { source = false, reads = false }: ConditionsOf = {},
): void {
  const prefix = source ? "ifSource" : "if";
  const actual = {
    Generation: present?.generation ?? "0",
    Metageneration: present?.metageneration ?? "0",
  };
  const names = Object.keys(actual) as (keyof typeof actual)[];
  const asked = (name: string) => query.get(`${prefix}${name}`);
  const differs = names.some((name) => {
    const value = asked(`${name}Match`);
    return value !== null && value !== actual[name];
  });
  const same = names.some((name) => asked(`${name}NotMatch`) === actual[name]);
  if (!differs && same && reads) {
    throw new ApiError(304, "Not modified", { reason: "notModified" });
  }
  if (differs || same) {
    throw new ApiError(
      412,
      "At least one of the pre-conditions you specified did not hold.",
      { reason: "conditionNotMet" },
    );
  }
}
