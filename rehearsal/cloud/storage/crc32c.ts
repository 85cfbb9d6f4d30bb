/** Tables for eight bytes at a time. @see https://www.rfc-editor.org/rfc/rfc3720#appendix-B.4 */
const TABLES = Array.from({ length: 8 }, () => new Int32Array(256));

for (let byte = 0; byte < 256; byte++) {
  let value = byte;
  for (let bit = 0; bit < 8; bit++) {
    value = value & 1 ? (value >>> 1) ^ 0x82f63b78 : value >>> 1;
  }
  TABLES[0]![byte] = value;
}
for (let byte = 0; byte < 256; byte++) {
  for (let table = 1; table < 8; table++) {
    const before = TABLES[table - 1]![byte]!;
    TABLES[table]![byte] = (before >>> 8) ^ TABLES[0]![before & 255]!;
  }
}
const [T0, T1, T2, T3, T4, T5, T6, T7] = TABLES as [
  Int32Array,
  Int32Array,
  Int32Array,
  Int32Array,
  Int32Array,
  Int32Array,
  Int32Array,
  Int32Array,
];

/** A CRC-32C that is fed piece by piece. */
export class Crc32c {
  private value = -1;

  update(bytes: Buffer): this {
    let crc = this.value;
    let at = 0;
    for (const end = bytes.length - 7; at < end; at += 8) {
      crc ^= bytes.readInt32LE(at);
      const next = bytes.readInt32LE(at + 4);
      crc =
        T7[crc & 255]! ^
        T6[(crc >>> 8) & 255]! ^
        T5[(crc >>> 16) & 255]! ^
        T4[crc >>> 24]! ^
        T3[next & 255]! ^
        T2[(next >>> 8) & 255]! ^
        T1[(next >>> 16) & 255]! ^
        T0[next >>> 24]!;
    }
    for (; at < bytes.length; at++) {
      crc = (crc >>> 8) ^ T0[(crc ^ bytes[at]!) & 255]!;
    }
    this.value = crc;
    return this;
  }

  /** As Cloud Storage writes it: base64 of four bytes, the highest first. */
  digest(): string {
    const bytes = Buffer.alloc(4);
    bytes.writeInt32BE(~this.value);
    return bytes.toString("base64");
  }
}
