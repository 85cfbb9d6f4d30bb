import { cpSync, existsSync, mkdirSync, readdirSync, statSync } from "node:fs";
import { basename, join, resolve } from "node:path";
import { DockerfileError } from "./dockerfile";

/**
 * Carries COPY or ADD out. What another stage or the network would bring is not there.
 *
 * @param value - what stands behind the keyword
 * @throws DockerfileError in BuildKit's words
 * @see https://docs.docker.com/reference/dockerfile/#copy
 */
export function copy(
  value: string,
  line: number,
  workdir: string,
  context: string,
  rootfs: string,
): void {
  const words = value.split(/\s+/);
  if (words.some((word) => /^--from=|^https?:/.test(word))) return;
  const paths = words.filter((word) => !word.startsWith("--"));
  const patterns = paths.slice(0, -1);
  const destination = paths.at(-1)!;
  if (patterns.length === 0) {
    throw new DockerfileError(
      `dockerfile parse error on line ${line}: COPY requires at least two arguments`,
      line,
    );
  }
  const sources = patterns.flatMap((pattern) => {
    const found = matching(context, pattern);
    if (found.length === 0) {
      throw new DockerfileError(
        `failed to compute cache key: failed to calculate checksum of ref: "/${pattern}": not found`,
        line,
      );
    }
    return found;
  });
  const target = join(rootfs, resolve(workdir, destination));
  const intoFolder =
    destination.endsWith("/") || destination === "." || sources.length > 1;
  for (const from of sources) {
    const isFolder = statSync(from).isDirectory();
    const to = !isFolder && intoFolder ? join(target, basename(from)) : target;
    mkdirSync(isFolder ? to : join(to, ".."), { recursive: true });
    cpSync(from, to, { recursive: true, preserveTimestamps: true });
  }
}

/** What a pattern means in the context, out of which no `..` leads. */
function matching(context: string, pattern: string): string[] {
  const segments = resolve("/", pattern).split("/").filter(Boolean);
  return segments.reduce(
    (folders, segment) =>
      folders
        .flatMap((folder) => named(folder, segment))
        .filter((path) => existsSync(path)),
    [context],
  );
}

/** @see https://pkg.go.dev/path/filepath#Match */
function named(folder: string, segment: string): string[] {
  if (!/[*?[]/.test(segment)) return [join(folder, segment)];
  if (!statSync(folder).isDirectory()) return [];
  const text = segment
    .replace(/[.+^${}()|]/g, "\\$&")
    .replace(/\*/g, ".*")
    .replace(/\?/g, ".");
  const shape = new RegExp(`^${text}$`);
  return readdirSync(folder)
    .filter((name) => shape.test(name))
    .sort()
    .map((name) => join(folder, name));
}
