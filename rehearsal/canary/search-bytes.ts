import { gunzipSync, inflateRawSync } from "node:zlib";

/** Archives in archives in archives, and no deeper. */
const DEPTH = 3;
const MOST_BYTES = 1 << 28;

/** Whether one of the forms is in it: in the open, or in gzip or zip, such as a saved plan. */
export function containsAny(
  bytes: Buffer,
  forms: readonly Buffer[],
  depth = DEPTH,
): boolean {
  return (
    forms.some((form) => bytes.includes(form)) ||
    (depth > 0 &&
      unpacked(bytes).some((each) => containsAny(each, forms, depth - 1)))
  );
}

/** Whether more than a search of the open bytes is needed. */
export function isPacked(head: Buffer): boolean {
  return isGzip(head) || isZip(head);
}

function isGzip(bytes: Buffer): boolean {
  return bytes.length > 2 && bytes[0] === 0x1f && bytes[1] === 0x8b;
}

function isZip(bytes: Buffer): boolean {
  return bytes.subarray(0, 4).equals(Buffer.from("PK\x03\x04"));
}

function unpacked(bytes: Buffer): Buffer[] {
  if (isGzip(bytes)) {
    return [gunzipSync(bytes, { maxOutputLength: MOST_BYTES })];
  }
  return isZip(bytes) ? members(bytes) : [];
}

/**
 * Of a zip, by its central directory.
 *
 * @see https://pkware.cachefly.net/webdocs/casestudies/APPNOTE.TXT sections 4.3.12 and 4.3.16
 */
function members(zip: Buffer): Buffer[] {
  const end = zip.lastIndexOf(Buffer.from("PK\x05\x06"));
  if (end < 0) {
    throw new Error("It begins as a zip and has no directory.");
  }
  const found: Buffer[] = [];
  let at = zip.readUInt32LE(end + 16);
  for (let left = zip.readUInt16LE(end + 10); left > 0; left--) {
    const method = zip.readUInt16LE(at + 10);
    const size = zip.readUInt32LE(at + 20);
    const local = zip.readUInt32LE(at + 42);
    const from =
      local + 30 + zip.readUInt16LE(local + 26) + zip.readUInt16LE(local + 28);
    const packed = zip.subarray(from, from + size);
    found.push(
      method === 0
        ? packed
        : inflateRawSync(packed, { maxOutputLength: MOST_BYTES }),
    );
    at +=
      46 +
      zip.readUInt16LE(at + 28) +
      zip.readUInt16LE(at + 30) +
      zip.readUInt16LE(at + 32);
  }
  return found;
}
