/** A latency: three digits, in milliseconds or seconds. */
export function latency(seconds: number): string {
  const [value, unit] =
    seconds < 0.9995 ? [seconds * 1000, "ms"] : [seconds, "s"];
  return `${value < 99.95 ? value.toPrecision(3) : Math.round(value)} ${unit}`;
}

/** A number with three digits, and commas between its thousands. */
export function digits(value: number): string {
  if (value >= 100) {
    return Math.round(value).toLocaleString("en-US");
  }
  return value.toPrecision(3).replace(/\.?0+$/, "");
}

/** A count with its noun: "1 error", "2 errors". */
export function count(number: number, noun: string): string {
  return `${number.toLocaleString("en-US")} ${noun}${number === 1 ? "" : "s"}`;
}
