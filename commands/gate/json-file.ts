import { readFileSync, statSync } from "node:fs";

/** Larger than any plan of this project by a factor of a thousand. */
const LARGEST = 100 * 1024 * 1024;

/**
 * What a file such as a plan holds.
 *
 * @throws one line that says what is wrong with it, and nothing of what it holds
 */
export function readJson(file: string): unknown {
  const found = statSync(file, { throwIfNoEntry: false });
  if (found?.isFile() !== true) {
    throw new Error(
      "there is no such file; terraform show -json PLANFILE > FILE writes it",
    );
  }
  if (found.size > LARGEST) {
    throw new Error(`${found.size} bytes; the most is ${LARGEST}`);
  }
  const text = readFileSync(file, "utf8");
  try {
    return JSON.parse(text);
  } catch {
    // The parser's message quotes the text, which may hold anything.
    throw new Error(
      "it is no JSON; expected is the output of terraform show -json PLANFILE",
    );
  }
}
