type Shape = readonly [what: string, shape: RegExp];

/**
 * What tokens look like. Each shape begins with something that nothing else
 * begins with, so that a hash or a commit is no token.
 *
 * @see https://docs.github.com/en/code-security/secret-scanning/introduction/supported-secret-scanning-patterns
 */
const WORDS: readonly Shape[] = [
  ["a Hugging Face token", /hf_[A-Za-z0-9]{16,}/],
  ["a Google access token", /ya29\.[\w-]{8,}/],
  ["a Google refresh token", /1\/\/0[\w-]{20,}/],
  ["a Google API key", /AIza[\w-]{30,}/],
  ["a Google client secret", /GOCSPX-[\w-]{16,}/],
  ["a GitHub token", /gh[pousr]_[A-Za-z0-9]{16,}|github_pat_\w{20,}/],
  ["a GitLab token", /glpat-[\w-]{16,}/],
  ["an npm token", /npm_[A-Za-z0-9]{30,}/],
  ["a Slack token", /xox[abeoprs]-[\w-]{10,}/],
  ["an AWS access key", /(?:AKIA|ASIA)[A-Z0-9]{16}\b/],
  ["an API key", /sk-[\w-]{20,}/],
  ["a signed token", /eyJ[\w-]{8,}\.eyJ[\w-]{8,}/],
];

const PHRASES: readonly Shape[] = [
  [
    "a private key",
    /-----BEGIN (?!CERTIFICATE|PUBLIC KEY|RSA PUBLIC KEY)[A-Z0-9 ]+/,
  ],
  ["a password in an address", /:\/\/[^/\s:@]{1,100}:[^/\s@]{1,200}@/],
];

/**
 * Not inside a longer word. The last letter of an escape is part of none, as in
 * JSON as text (`\\nhf_...`) or in an address (`%3Dhf_...`).
 */
const APART =
  /(?:(?<![A-Za-z0-9])|(?<=\\[bfnrt]|\\u[0-9A-Fa-f]{4}|%[0-9A-Fa-f]{2}))/
    .source;

const SHAPES: readonly Shape[] = [
  ...WORDS.map(
    ([what, { source }]): Shape => [what, new RegExp(`${APART}(?:${source})`)],
  ),
  ...PHRASES,
];

const source = ([, shape]: Shape) => shape.source;
const ANY = new RegExp(SHAPES.map(source).join("|"));

/** The same without what may stand before: quick, and what it leaves is none. */
const MAYBE = new RegExp([...WORDS, ...PHRASES].map(source).join("|"));

/** What a text holds that looks like a secret; undefined for most. */
export function tokenShape(text: string): string | undefined {
  if (!MAYBE.test(text)) return undefined;
  return SHAPES.find(([, shape]) => shape.test(text))?.[0];
}

/** Also a key's lines, up to its end. */
const KEY =
  /-----BEGIN (?!CERTIFICATE|PUBLIC KEY|RSA PUBLIC KEY)[A-Z0-9 ]+[^"']*?(-----END [A-Z0-9 ]+-----|$|(?=["']))/g;

const WHOLE = new RegExp(`(?:${ANY.source})[\\w./+=-]*`, "g");

/** A text in which everything that looks like a secret is replaced. */
export function withoutSecrets(text: string): string {
  return MAYBE.test(text)
    ? text.replace(KEY, "(secret)").replace(WHOLE, "(secret)")
    : text;
}
