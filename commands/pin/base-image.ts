import { createHash } from "node:crypto";
import type { Http } from "../http";

/**
 * Both kinds of manifest: an image, and an index with one for each platform.
 */
const MANIFESTS = [
  "application/vnd.oci.image.index.v1+json",
  "application/vnd.docker.distribution.manifest.list.v2+json",
  "application/vnd.oci.image.manifest.v1+json",
  "application/vnd.docker.distribution.manifest.v2+json",
].join(", ");

/**
 * An image's name with the digest that its registry gives for the tag, as
 * NAME:TAG@sha256:DIGEST.
 *
 * @throws Error when the registry does not answer, or has no such tag.
 * @see https://distribution.github.io/distribution/spec/api/
 */
export async function withDigest(image: string, http: Http): Promise<string> {
  const { host, repository, tag, name } = parseImage(image);
  const url = `https://${host}/v2/${repository}/manifests/${tag}`;
  const headers: Record<string, string> = { accept: MANIFESTS };
  let answer = await http(url, { method: "HEAD", headers });
  if (answer.status === 401) {
    const challenge = answer.headers.get("www-authenticate") ?? "";
    headers["authorization"] = await anonymousToken(challenge, http);
    answer = await http(url, { method: "HEAD", headers });
  }
  if (answer.status !== 200) {
    throw new Error(
      `${host} answered ${answer.status}${answer.status === 404 ? `: there is no ${name}:${tag}` : ""}`,
    );
  }
  let digest = answer.headers.get("docker-content-digest");
  if (digest === null) {
    // It is the hash of the manifest's bytes in any case.
    const { status, text } = await http(url, { headers });
    if (status !== 200) throw new Error(`${host} answered ${status}`);
    digest = `sha256:${createHash("sha256").update(text).digest("hex")}`;
  }
  if (!/^sha256:[0-9a-f]{64}$/.test(digest)) {
    throw new Error(`${host} gave no digest`);
  }
  return `${name}:${tag}@${digest}`;
}

interface ImageName {
  readonly host: string;
  readonly repository: string;
  /** As it was written, without tag and digest. */
  readonly name: string;
  readonly tag: string;
}

/**
 * Docker's own rules: without a host it is Docker Hub, without an owner
 * `library`.
 */
export function parseImage(image: string): ImageName {
  const [tagged = ""] = image.split("@");
  const [, name = tagged, tag = "latest"] =
    /^(.+):([^:/]+)$/.exec(tagged) ?? [];
  const [first = "", ...rest] = name.split("/");
  if (rest.length > 0 && (/[.:]/.test(first) || first === "localhost")) {
    return { host: first, repository: rest.join("/"), name, tag };
  }
  const repository = rest.length > 0 ? name : `library/${name}`;
  return { host: "registry-1.docker.io", repository, name, tag };
}

/** What a registry hands out to anybody for a public repository. */
async function anonymousToken(challenge: string, http: Http): Promise<string> {
  const parts = Object.fromEntries(
    [...challenge.matchAll(/(\w+)="([^"]*)"/g)].map(([, key, value]) => [
      key,
      value,
    ]),
  );
  const { realm, service = "", scope = "" } = parts;
  if (!/^Bearer /i.test(challenge) || !realm?.startsWith("https://")) {
    throw new Error("the registry wants credentials");
  }
  const query = new URLSearchParams({ service, scope });
  const { status, text } = await http(`${realm}?${query.toString()}`);
  if (status !== 200) {
    throw new Error(`${new URL(realm).host} answered ${status}`);
  }
  const answer = JSON.parse(text) as { token?: string; access_token?: string };
  return `Bearer ${answer.token ?? answer.access_token}`;
}
