import type { IncomingMessage } from "node:http";
import { ApiError } from "./api-error";
import type { Answer } from "./call";
import type { Cloud } from "./cloud";

/** Of the one login that this cloud knows. */
const REFRESH_TOKEN = "local-refresh-token";

/**
 * `/oauth2/token` gives access tokens for a login (`refresh_token`) and, with an `audience`, an
 * identity token; `/oauth2/certs` the keys that those are checked with.
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
  const isLogin =
    form.get("grant_type") === "refresh_token" &&
    form.get("refresh_token") === REFRESH_TOKEN;
  if (url.pathname !== "/oauth2/token" || !isLogin) {
    throw new ApiError(400, "invalid_grant");
  }
  const { user } = cloud.settings;
  return {
    access_token: cloud.tokens.accessToken(`user:${user}`),
    id_token: cloud.tokens.identityToken(
      user,
      form.get("audience") ?? form.get("client_id") ?? "local",
    ),
    expires_in: 3600,
    token_type: "Bearer",
  };
}
