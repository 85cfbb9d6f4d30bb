/**
 * What tokens and keys look like. Each shape begins with something that nothing
 * else begins with, so that a hash or a commit is no token.
 *
 * @see https://docs.github.com/en/code-security/secret-scanning/introduction/supported-secret-scanning-patterns
 */
const SHAPES: readonly [string, RegExp][] = [
  ["a Hugging Face token", /\bhf_[A-Za-z0-9]{16,}/],
  ["a Google access token", /\bya29\.[\w-]{8,}/],
  ["a Google refresh token", /\b1\/\/0[\w-]{20,}/],
  ["a Google API key", /\bAIza[\w-]{30,}/],
  ["a Google client secret", /\bGOCSPX-[\w-]{16,}/],
  [
    "a private key",
    /-----BEGIN (?!CERTIFICATE|PUBLIC KEY|RSA PUBLIC KEY)[A-Z0-9 ]+/,
  ],
  ["a GitHub token", /\b(?:gh[pousr]_[A-Za-z0-9]{16,}|github_pat_\w{20,})/],
  ["a GitLab token", /\bglpat-[\w-]{16,}/],
  ["an npm token", /\bnpm_[A-Za-z0-9]{30,}/],
  ["a Slack token", /\bxox[abeoprs]-[\w-]{10,}/],
  ["an AWS access key", /\b(?:AKIA|ASIA)[A-Z0-9]{16}\b/],
  ["an API key", /\bsk-[\w-]{20,}/],
  ["a signed token", /\beyJ[\w-]{8,}\.eyJ[\w-]{8,}/],
  ["a password in an address", /:\/\/[^/\s:@]{1,100}:[^/\s@]{1,200}@/],
];

const ANY = new RegExp(SHAPES.map(([, shape]) => shape.source).join("|"));

/** What a text holds that looks like a secret; undefined for most. */
export function tokenShape(text: string): string | undefined {
  // One pass for the many texts that hold none.
  if (!ANY.test(text)) return undefined;
  return SHAPES.find(([, shape]) => shape.test(text))?.[0];
}

/** Also a key's lines, up to its end. */
const KEY =
  /-----BEGIN (?!CERTIFICATE|PUBLIC KEY|RSA PUBLIC KEY)[A-Z0-9 ]+[^"']*?(-----END [A-Z0-9 ]+-----|$|(?=["']))/g;

const WHOLE = new RegExp(`(?:${ANY.source})[\\w./+=-]*`, "g");

/** A text in which everything that looks like a secret is replaced. */
export function withoutSecrets(text: string): string {
  return ANY.test(text)
    ? text.replace(KEY, "(secret)").replace(WHOLE, "(secret)")
    : text;
}
