import { createHash, randomBytes } from "node:crypto";

/** A place where a marker may be, and why. */
export interface Permitted {
  readonly place: RegExp;
  readonly why: string;

  /** Whether the search must find it there: a search that finds nothing anywhere may be blind. */
  readonly expected: boolean;
}

/** A text that stands for a secret, and is to be found nowhere but where it must be. */
export interface Marker {
  readonly name: string;
  readonly text: string;
  readonly permitted: readonly Permitted[];
}

/**
 * A text that stands nowhere else.
 *
 * @param prefix - letters and digits, as nothing would escape
 * @param seed - makes it the same each time, for a text that decides a result. @default random
 */
export function markerText(prefix: string, seed?: string): string {
  const hex =
    seed === undefined
      ? randomBytes(12).toString("hex")
      : createHash("sha256").update(`${prefix} ${seed}`).digest("hex");
  return `${prefix}${hex.slice(0, 24)}`;
}

/** The forms in which a text may lie somewhere: as it is, in UTF-16, hexadecimal, base64. */
export function forms(text: string): Buffer[] {
  const bytes = Buffer.from(text);
  return [
    bytes,
    Buffer.from(text, "utf16le"),
    ...[bytes.toString("hex"), ...base64(bytes)].map((each) =>
      Buffer.from(each),
    ),
  ];
}

/** Letters of base64 that depend on the text alone, for each of three places it may begin at. */
function base64(bytes: Buffer): string[] {
  return [0, 1, 2].map((before) => {
    const letters = Buffer.concat([Buffer.alloc(before), bytes])
      .toString("base64")
      .replace(/=+$/, "");
    const first = Math.ceil((before * 8) / 6);
    const whole = Math.floor(((before + bytes.length) * 8) / 6);
    return letters.slice(first, whole);
  });
}
