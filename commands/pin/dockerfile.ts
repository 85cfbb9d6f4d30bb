import type { Http } from "../http";
import { withDigest } from "./base-image";
import type { PinnedThing } from "./pinned-thing";

/**
 * Base images of a Dockerfile: what stands after FROM, or the default of the
 * ARG that stands there. Left out are stages of the same file, `scratch`, and
 * images that have a digest and no tag: nothing would tell a newer one.
 */
export function baseImages(
  file: string,
  text: string,
  http: Http,
): PinnedThing[] {
  const stages = new Set<string>(["scratch"]);
  const images = new Set<string>();
  const from = /^FROM\s+(?:--\S+\s+)*(\S+)(?:\s+AS\s+(\S+))?/gim;
  for (const [, reference = "", stage] of text.matchAll(from)) {
    const image = resolveArgument(reference, text);
    const [name = "", digest] = image.split("@");
    const tagged = digest === undefined || /:[^/]+$/.test(name);
    if (image && !stages.has(image) && tagged) images.add(image);
    if (stage) stages.add(stage);
  }
  return [...images].map((image) => ({
    what: "base image",
    file,
    old: image,
    resolve: () => withDigest(image, http),
    replace: (contents, resolved) => replaceImage(contents, image, resolved),
  }));
}

/** The default of ${NAME}; empty where it has none. */
function resolveArgument(reference: string, text: string): string {
  const [, name] = /^\$\{?(\w+)\}?$/.exec(reference) ?? [];
  if (name === undefined) return reference;
  const found = new RegExp(`^ARG\\s+${name}=(\\S+)`, "im").exec(text);
  return (found?.[1] ?? "").replace(/^"(.*)"$/, "$1");
}

function replaceImage(text: string, image: string, resolved: string): string {
  return text
    .split("\n")
    .map((line) =>
      /^(FROM|ARG)\s/i.test(line)
        ? line
            .split(/(\s+|=|")/)
            .map((word) => (word === image ? resolved : word))
            .join("")
        : line,
    )
    .join("\n");
}
