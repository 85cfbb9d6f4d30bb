import { filterError } from "./filter-error";

/** What a field is compared with. */
export interface Operand {
  readonly text: string;
  readonly quoted: boolean;
}

/** @see https://cloud.google.com/logging/docs/reference/v2/rest/v2/LogEntry#LogSeverity */
const SEVERITIES: Readonly<Record<string, number>> = {
  DEFAULT: 0,
  DEBUG: 100,
  INFO: 200,
  NOTICE: 300,
  WARNING: 400,
  ERROR: 500,
  CRITICAL: 600,
  ALERT: 700,
  EMERGENCY: 800,
};

const INSTANT =
  /^\d{4}-\d\d-\d\d([T ]\d\d:\d\d(:\d\d(\.\d{1,9})?)?(Z|[+-]\d\d:\d\d)?)?$/i;

/** A severity's number, by which severities are ordered; undefined for what is none. */
export function rank(text: string): number | undefined {
  return (
    SEVERITIES[text.toUpperCase()] ??
    (/^\d{1,4}$/.test(text) ? Number(text) : undefined)
  );
}

/** @throws ApiError for what is neither a severity nor a number */
export function severity(text: string): number {
  const known = rank(text);
  if (known === undefined) {
    throw filterError(
      `'${text}' is no severity: ${Object.keys(SEVERITIES).join(", ")}`,
    );
  }
  return known;
}

/**
 * The milliseconds of a time in RFC 3339 or ISO 8601.
 *
 * @throws ApiError for anything else
 */
export function instant(text: string): number {
  const utc = /(Z|[+-]\d\d:\d\d|^.{10})$/i.test(text) ? text : `${text}Z`;
  const at = INSTANT.test(text)
    ? Date.parse(utc.replace(" ", "T"))
    : Number.NaN;
  if (Number.isNaN(at)) {
    throw filterError(`'${text}' is no time such as "2026-11-25T10:00:00Z"`);
  }
  return at;
}
