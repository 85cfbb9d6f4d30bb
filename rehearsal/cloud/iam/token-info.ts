import type { Cloud } from "../cloud";
import type { Json } from "../state";
import { OAuthError } from "./oauth-error";

/**
 * Whose a token is, and for how long.
 *
 * @throws OAuthError for one that is not of this cloud, or has expired
 * @see https://developers.google.com/identity/sign-in/web/backend-auth#calling-the-tokeninfo-endpoint
 */
export function tokenInfo(
  { state, tokens }: Cloud,
  form: URLSearchParams,
): Json {
  const access = form.get("access_token");
  if (access !== null) {
    const known = state.tokens[access];
    const seconds = Math.floor(((known?.expires ?? 0) - Date.now()) / 1000);
    if (known === undefined || seconds <= 0) {
      throw new OAuthError("invalid_token", "Invalid Value");
    }
    return {
      scope:
        "https://www.googleapis.com/auth/cloud-platform https://www.googleapis.com/auth/userinfo.email openid",
      exp: String(Math.floor(known.expires / 1000)),
      expires_in: String(seconds),
      email: known.principal.slice(known.principal.indexOf(":") + 1),
      email_verified: "true",
      access_type: "online",
    };
  }
  const claims = tokens.verified(form.get("id_token") ?? "");
  if (claims === undefined) {
    throw new OAuthError("invalid_token", "Invalid Value");
  }
  return Object.fromEntries(
    Object.entries(claims).map(([name, value]) => [name, String(value)]),
  );
}
