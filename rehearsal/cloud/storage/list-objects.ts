import type { Json, StoredObject } from "../state";
import { objectJson } from "./object-json";

const PAGE = 1000;

/** One page of a bucket. @see https://cloud.google.com/storage/docs/json_api/v1/objects/list */
export function listObjects(
  versions: readonly StoredObject[],
  query: URLSearchParams,
): Json {
  const prefix = query.get("prefix") ?? "";
  const delimiter = query.get("delimiter") ?? "";
  const glob = query.get("matchGlob");
  const matches = glob === null ? undefined : globPattern(glob);
  const start = query.get("startOffset") ?? "";
  const end = query.get("endOffset");
  const chosen = versions
    .filter(
      ({ name, timeDeleted }) =>
        (timeDeleted === undefined || query.get("versions") === "true") &&
        name.startsWith(prefix) &&
        name >= start &&
        (!end || name < end) &&
        (matches?.test(name) ?? true),
    )
    .sort(
      (a, b) => compare(a.name, b.name) || compare(a.generation, b.generation),
    );

  const prefixes = new Set<string>();
  const after = Buffer.from(query.get("pageToken") ?? "", "base64").toString();
  const size = Math.min(Number(query.get("maxResults") || PAGE), PAGE);
  const items: StoredObject[] = [];
  let nextPageToken: string | undefined;
  for (const object of chosen) {
    const key = `${object.name}#${object.generation}`;
    if (after !== "" && compare(key, after) <= 0) {
      continue;
    }
    if (items.length + prefixes.size >= size) {
      const last = items.at(-1)!;
      nextPageToken = Buffer.from(`${last.name}#${last.generation}`).toString(
        "base64",
      );
      break;
    }
    const cut =
      delimiter === "" ? -1 : object.name.indexOf(delimiter, prefix.length);
    if (cut === -1) items.push(object);
    else prefixes.add(object.name.slice(0, cut + delimiter.length));
  }
  return {
    kind: "storage#objects",
    ...(items.length > 0 ? { items: items.map(objectJson) } : {}),
    ...(prefixes.size > 0 ? { prefixes: [...prefixes] } : {}),
    ...(nextPageToken === undefined ? {} : { nextPageToken }),
  };
}

/** By bytes, as Cloud Storage orders. */
function compare(a: string, b: string): number {
  return Buffer.compare(Buffer.from(a), Buffer.from(b));
}

/** @see https://cloud.google.com/storage/docs/json_api/v1/objects/list#list-objects-and-prefixes-using-glob */
function globPattern(glob: string): RegExp {
  const text = glob.replace(
    /\*\*|\*|\?|\{([^}]*)\}|[.+^$()|[\]\\]/g,
    (found, choices?: string) => {
      if (found === "**") return ".*";
      if (found === "*") return "[^/]*";
      if (found === "?") return "[^/]";
      return choices === undefined
        ? `\\${found}`
        : `(?:${choices.split(",").join("|")})`;
    },
  );
  return new RegExp(`^${text}$`);
}
