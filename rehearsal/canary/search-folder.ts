import {
  closeSync,
  type Dirent,
  openSync,
  readdirSync,
  readFileSync,
  readSync,
} from "node:fs";
import { join } from "node:path";
import { containsAny, isPacked } from "./search-bytes";

const CHUNK = 1 << 23;

/** Paths of all files below a folder, without following links. */
export function filesIn(folder: string): string[] {
  return entries(folder).flatMap((entry) => {
    const path = join(folder, entry.name);
    if (entry.isDirectory()) return filesIn(path);
    return entry.isFile() ? [path] : [];
  });
}

/** Whether one of the forms is in a file; false for one that went meanwhile. */
export function fileContains(path: string, forms: readonly Buffer[]): boolean {
  let file: number;
  try {
    file = openSync(path, "r");
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ENOENT") return false;
    throw error;
  }
  try {
    // Neighbouring chunks share what a form may need: none is missed between them.
    const shared = Math.max(...forms.map(({ length }) => length));
    const chunk = Buffer.alloc(CHUNK + shared);
    for (let at = 0; ; at += CHUNK) {
      const read = chunk.subarray(
        0,
        readSync(file, chunk, 0, chunk.length, at),
      );
      if (at === 0 && isPacked(read)) {
        return containsAny(readFileSync(path), forms);
      }
      if (containsAny(read, forms, 0)) return true;
      if (read.length < chunk.length) return false;
    }
  } finally {
    closeSync(file);
  }
}

function entries(folder: string): Dirent[] {
  try {
    return readdirSync(folder, { withFileTypes: true });
  } catch {
    // It went meanwhile.
    return [];
  }
}
