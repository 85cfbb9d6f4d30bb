import { createHash } from "node:crypto";
import { readdirSync, readFileSync } from "node:fs";
import path from "node:path";
import { sourceFiles } from "../../constructs/source-hash";

/** Folders whose images an apply builds. */
const CONTEXTS = ["trainer", "vllm"];

/** What the scripts of an apply, and the gate before it, are made of; they run from disk. */
const SCRIPTS = ["provision", "constructs", "commands", "gates"];

/** What decides which packages those scripts load, and how. */
const PACKAGES = [
  "package.json",
  "package-lock.json",
  ".npmrc",
  "swc-register.cjs",
];

/** SHA-256 by path below the project's root. */
export type FileHashes = Readonly<Record<string, string>>;

/**
 * Hashes of everything that an apply takes from disk. A saved plan freezes the
 * configuration and the variables, but not these: a script changed after the
 * review would run all the same.
 */
export function appliedFiles(root: string): FileHashes {
  const contexts = CONTEXTS.flatMap((folder) =>
    sourceFiles(path.join(root, folder)).map(
      ({ name, executable, bytes }) =>
        // As the image's tag has it: an executable file is another file.
        [
          `${folder}/${name}`,
          `${sha256(bytes)}${executable ? "x" : ""}`,
        ] as const,
    ),
  );
  const others = [
    ...SCRIPTS.flatMap((folder) => files(root, folder)),
    ...PACKAGES,
  ];
  return Object.fromEntries([
    ...contexts,
    ...others.map(
      (name) => [name, sha256(readFileSync(path.join(root, name)))] as const,
    ),
  ]);
}

/** What is not as it was, one sentence each; none when nothing changed. */
export function differences(was: FileHashes, is: FileHashes): string[] {
  const names = [...new Set([...Object.keys(was), ...Object.keys(is)])].sort();
  return names.flatMap((name) => {
    if (was[name] === is[name]) return [];
    if (was[name] === undefined) return [`${name} is new`];
    return [`${name} ${is[name] === undefined ? "is gone" : "changed"}`];
  });
}

export function sha256(bytes: Uint8Array): string {
  return createHash("sha256").update(bytes).digest("hex");
}

function files(root: string, folder: string): string[] {
  return readdirSync(path.join(root, folder), { withFileTypes: true }).flatMap(
    (entry) => {
      const name = `${folder}/${entry.name}`;
      return entry.isDirectory() ? files(root, name) : [name];
    },
  );
}
