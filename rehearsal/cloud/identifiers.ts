import { createHash, randomBytes } from "node:crypto";

/** RFC 3339, as Google writes times. */
export function timestamp(at: number = Date.now()): string {
  return new Date(at).toISOString();
}

/** Digits that no other call returns in this process, and that grow. */
export function nextNumber(): number {
  last = Math.max(last + 1, Date.now() * 1000);
  return last;
}
let last = 0;

/** An opaque tag of a version of something. */
export function etag(): string {
  return createHash("md5")
    .update(String(nextNumber()))
    .digest("base64")
    .slice(0, 12);
}

export function randomHex(characters: number): string {
  return randomBytes(characters).toString("hex").slice(0, characters);
}

/** The last segment of a resource's name. */
export function shortName(name: string): string {
  return name.split("/").at(-1)!;
}
