import {
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  writeFileSync,
} from "node:fs";

/**
 * Replaces files, all or none: each is written beside its place and then
 * renamed into it; when a rename fails, those before it are undone.
 *
 * @param contents - new text by path
 */
export function writeTogether(contents: ReadonlyMap<string, string>): void {
  const before = new Map<string, string>();
  const temporary = (file: string) => `${file}.pin-${process.pid}`;
  try {
    for (const [file, text] of contents) {
      writeFileSync(temporary(file), text, { mode: statSync(file).mode });
    }
    for (const file of contents.keys()) {
      const text = readFileSync(file, "utf8");
      renameSync(temporary(file), file);
      before.set(file, text);
    }
  } catch (error) {
    before.forEach((text, file) => writeFileSync(file, text));
    throw error;
  } finally {
    for (const file of contents.keys()) {
      rmSync(temporary(file), { force: true });
    }
  }
}
