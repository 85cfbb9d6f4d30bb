/** A value of a JSON text, and where it stands. */
interface Node {
  readonly start: number;
  readonly end: number;
  /** Members of an object, in their order. */
  readonly members?: ReadonlyMap<string, Node>;
}

/**
 * Sets a string in a JSON text and leaves everything else, formatting included,
 * as it is. Objects on the way that are missing are made.
 *
 * @throws SyntaxError for a text that is no JSON.
 */
export function setInJson(
  text: string,
  keys: readonly string[],
  value: string,
): string {
  JSON.parse(text);
  let node = read(text, 0);
  for (const [depth, key] of keys.entries()) {
    const next = node.members?.get(key);
    if (next === undefined) {
      const made = keys
        .slice(depth + 1)
        .reduceRight(
          (inner, name) => `{ ${JSON.stringify(name)}: ${inner} }`,
          JSON.stringify(value),
        );
      return insert(text, node, `${JSON.stringify(key)}: ${made}`);
    }
    node = next;
  }
  return (
    text.slice(0, node.start) + JSON.stringify(value) + text.slice(node.end)
  );
}

/** Adds a member after the last one, on a line of its own where that is so. */
function insert(text: string, object: Node, member: string): string {
  const last = [...(object.members?.values() ?? [])].at(-1);
  if (last === undefined) {
    return `${text.slice(0, object.start)}{ ${member} }${text.slice(object.end)}`;
  }
  const inside = text.slice(object.start, last.end);
  const [, indent] = /^\{(\s*\n\s*)/.exec(inside) ?? [];
  const separator = `,${indent ?? " "}`;
  return `${text.slice(0, last.end)}${separator}${member}${text.slice(last.end)}`;
}

/** Reads a value of a text that is known to be JSON. */
function read(text: string, from: number): Node {
  const start = skip(text, from);
  const first = text[start];
  if (first !== "{" && first !== "[") {
    const scalar = /"(?:[^"\\]|\\.)*"|[^\s,\]}]+/y;
    scalar.lastIndex = start;
    scalar.test(text);
    return { start, end: scalar.lastIndex };
  }
  const members = new Map<string, Node>();
  let at = skip(text, start + 1);
  while (text[at] !== "}" && text[at] !== "]") {
    const key = first === "{" ? read(text, at) : undefined;
    const value = read(text, key ? skip(text, key.end) + 1 : at);
    if (key) {
      members.set(JSON.parse(text.slice(key.start, key.end)) as string, value);
    }
    at = skip(text, value.end);
    if (text[at] === ",") at = skip(text, at + 1);
  }
  return { start, end: at + 1, ...(first === "{" ? { members } : {}) };
}

function skip(text: string, from: number): number {
  const space = /\s*/y;
  space.lastIndex = from;
  space.test(text);
  return space.lastIndex;
}
