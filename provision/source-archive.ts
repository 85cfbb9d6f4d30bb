import { gzipSync } from "node:zlib";
import { Header } from "tar";
import { type SourceFile } from "../constructs/source-hash";

const BLOCK = 512;

/**
 * A tar.gz of a Docker context that has no trace of the machine it was made on:
 * no owners, no times, of the modes only the executable bit, in the given order.
 * (Compressed bytes may still differ between versions of zlib.)
 *
 * @throws if a name is too long for the archive's plain format.
 * @see https://www.gnu.org/software/tar/manual/html_node/Standard.html
 */
export function sourceArchive(files: readonly SourceFile[]): Buffer {
  const entries = files.flatMap(({ name, executable, bytes }) => {
    const block = Buffer.alloc(BLOCK);
    const header = new Header({
      path: name,
      type: "File",
      size: bytes.length,
      mode: executable ? 0o755 : 0o644,
      mtime: new Date(0),
    });
    if (header.encode(block, 0)) {
      throw new Error(
        `the file name '${name}' is too long for a build's source`,
      );
    }
    const padding = Buffer.alloc((BLOCK - (bytes.length % BLOCK)) % BLOCK);
    return [block, bytes, padding];
  });
  return gzipSync(Buffer.concat([...entries, Buffer.alloc(2 * BLOCK)]));
}
