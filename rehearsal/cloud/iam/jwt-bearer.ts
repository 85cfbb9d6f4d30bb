import { verify } from "node:crypto";
import type { Cloud } from "../cloud";
import type { Json } from "../state";
import { GOOGLE_TOKEN_ADDRESS, keysOf } from "./account-keys";
import { OAuthError } from "./oauth-error";

/** What a service account asks for with a token that it signed. */
export interface BearerGrant {
  readonly email: string;

  /** For an identity token; without one an access token is meant. */
  readonly audience?: string;
}

const HOUR = 3600;

/** How far two clocks may differ. */
const SKEW = 300;

/**
 * Reads a token that a service account signed with a key of its key file.
 *
 * @throws OAuthError in Google's words
 * @see https://developers.google.com/identity/protocols/oauth2/service-account#error-codes
 */
export function bearerGrant(cloud: Cloud, assertion: string): BearerGrant {
  const [header = "", payload = "", signature = ""] = assertion.split(".");
  const { alg, kid } = decoded(header);
  const claims = decoded(payload);
  const { iss, sub, aud, iat, exp, scope, target_audience } = claims;
  const account = cloud.state.accounts[iss];
  if (account === undefined) {
    throw new OAuthError("invalid_grant", "Invalid grant: account not found");
  }
  const signed = keysOf(cloud.state.accountKeys, account["name"])
    .filter((name) => kid === undefined || name.endsWith(`/${kid}`))
    .map((name) => cloud.state.accountKeys[name]!)
    .some(
      ({ key, publicKey }) =>
        alg === "RS256" &&
        !key["disabled"] &&
        verify(
          "sha256",
          Buffer.from(`${header}.${payload}`),
          publicKey,
          Buffer.from(signature, "base64url"),
        ),
    );
  if (!signed) {
    throw new OAuthError("invalid_grant", "Invalid JWT Signature.");
  }
  const here = `${cloud.origin}/oauth2/token`;
  if (aud !== here && aud !== GOOGLE_TOKEN_ADDRESS) {
    throw new OAuthError(
      "invalid_grant",
      `Invalid JWT: Failed audience check. The right audience is ${GOOGLE_TOKEN_ADDRESS}`,
    );
  }
  if (!isTimely(iat, exp)) {
    throw new OAuthError(
      "invalid_grant",
      "Invalid JWT: Token must be a short-lived token (60 minutes) and in a reasonable timeframe. Check your iat and exp values in the JWT claim.",
    );
  }
  if (sub !== undefined && sub !== iss) {
    throw new OAuthError(
      "unauthorized_client",
      "Client is unauthorized to retrieve access tokens using this method, or client not authorized for any of the scopes requested.",
      401,
    );
  }
  if (target_audience) {
    return { email: iss, audience: target_audience };
  }
  const scopes = String(scope ?? "")
    .split(" ")
    .filter(Boolean);
  if (scopes.length === 0 || !scopes.every(isScope)) {
    throw new OAuthError(
      "invalid_scope",
      "Invalid OAuth scope or ID token audience provided.",
    );
  }
  return { email: iss };
}

function isTimely(iat: unknown, exp: unknown): boolean {
  const now = Date.now() / 1000;
  return (
    typeof iat === "number" &&
    typeof exp === "number" &&
    iat <= now + SKEW &&
    exp > now &&
    exp > iat &&
    exp - iat <= HOUR
  );
}

function isScope(scope: string): boolean {
  return /^(openid|email|profile|https:\/\/www\.googleapis\.com\/auth\/[\w.-]+)$/.test(
    scope,
  );
}

function decoded(part: string): Json {
  try {
    const value: unknown = JSON.parse(
      Buffer.from(part, "base64url").toString(),
    );
    if (typeof value === "object" && value !== null) return value as Json;
  } catch {
    // No JSON: said below.
  }
  throw new OAuthError("invalid_grant", "Bad Request");
}
