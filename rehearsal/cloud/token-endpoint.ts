import type { IncomingMessage } from "node:http";
import type { Answer } from "./call";
import type { Cloud } from "./cloud";
import { bearerGrant } from "./iam/jwt-bearer";
import { OAuthError } from "./iam/oauth-error";
import { tokenInfo } from "./iam/token-info";
import type { Json } from "./state";

/** Of the one login that this cloud knows. */
const REFRESH_TOKEN = "local-refresh-token";

const JWT_BEARER = "urn:ietf:params:oauth:grant-type:jwt-bearer";
const HOUR = 3600;

/**
 * `/oauth2/token` gives access and identity tokens for the login (`refresh_token`) and for what a
 * service account signed with its key file; `/oauth2/certs` the keys that identity tokens are checked
 * with; `/oauth2/tokeninfo` whose a token is.
 *
 * @see https://developers.google.com/identity/protocols/oauth2
 */
export async function tokenEndpoint(
  cloud: Cloud,
  request: IncomingMessage,
  url: URL,
): Promise<Answer> {
  if (url.pathname === "/oauth2/certs") {
    return cloud.tokens.keySet;
  }
  const chunks: Buffer[] = [];
  for await (const chunk of request) chunks.push(chunk as Buffer);
  const form = new URLSearchParams(Buffer.concat(chunks).toString());
  for (const [name, value] of url.searchParams) form.append(name, value);
  try {
    if (url.pathname === "/oauth2/tokeninfo") {
      return tokenInfo(cloud, form);
    }
    if (url.pathname !== "/oauth2/token" || request.method !== "POST") {
      throw new OAuthError("invalid_request", "Not Found");
    }
    return granted(cloud, form);
  } catch (error) {
    if (error instanceof OAuthError) return error.answer;
    throw error;
  }
}

/** @throws OAuthError */
function granted(cloud: Cloud, form: URLSearchParams): Json {
  const { tokens, settings } = cloud;
  const type = form.get("grant_type");
  switch (type) {
    case JWT_BEARER: {
      const { email, audience } = bearerGrant(
        cloud,
        form.get("assertion") ?? "",
      );
      return audience === undefined
        ? access(tokens.accessToken(`serviceAccount:${email}`))
        : { id_token: tokens.identityToken(email, audience) };
    }
    case "refresh_token":
      if (form.get("refresh_token") !== REFRESH_TOKEN) {
        throw new OAuthError("invalid_grant", "Bad Request");
      }
      return {
        ...access(tokens.accessToken(`user:${settings.user}`)),
        id_token: tokens.identityToken(
          settings.user,
          form.get("audience") ?? form.get("client_id") ?? "local",
        ),
      };
    default:
      throw type
        ? new OAuthError(
            "unsupported_grant_type",
            `Invalid grant_type: ${type}`,
          )
        : new OAuthError(
            "invalid_request",
            "Required parameter is missing: grant_type",
          );
  }
}

function access(token: string): Json {
  return { access_token: token, expires_in: HOUR - 1, token_type: "Bearer" };
}
