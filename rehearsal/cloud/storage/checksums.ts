import { createHash } from "node:crypto";
import { createReadStream } from "node:fs";
import { Crc32c } from "./crc32c";

/** Of a file, as Cloud Storage writes them. */
export async function checksums(
  file: string,
): Promise<{ readonly crc32c: string; readonly md5Hash: string }> {
  const crc32c = new Crc32c();
  const md5 = createHash("md5");
  for await (const chunk of createReadStream(file, {
    highWaterMark: 1 << 20,
  })) {
    crc32c.update(chunk as Buffer);
    md5.update(chunk as Buffer);
  }
  return { crc32c: crc32c.digest(), md5Hash: md5.digest("base64") };
}
