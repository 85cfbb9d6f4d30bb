import {
  createPublicKey,
  generateKeyPairSync,
  type KeyPairKeyObjectResult,
  sign,
  verify,
} from "node:crypto";
import { randomHex } from "../identifiers";
import type { CloudState } from "../state";

/** What an identity token says. @see https://cloud.google.com/docs/authentication/token-types#id */
export interface IdentityClaims {
  readonly aud: string;
  readonly email: string;
  readonly exp: number;
}

const HOUR = 3600;

/**
 * The audience of `gcloud auth print-identity-token` for a person: Cloud Run accepts it for any
 * service.
 */
export const GCLOUD_AUDIENCE = "32555940559.apps.googleusercontent.com";
const KEY_ID = "local";
const ISSUER = "https://accounts.google.com";

let known: KeyPairKeyObjectResult | undefined;

/** Of all clouds of this process: finding primes takes up to a second. */
function keys(): KeyPairKeyObjectResult {
  known ??= generateKeyPairSync("rsa", { modulusLength: 2048 });
  return known;
}

/** Access tokens and identity tokens of this cloud; nobody else's are accepted. */
export class Tokens {
  constructor(private readonly state: CloudState) {}

  /** A new access token for a principal, such as `serviceAccount:EMAIL`. */
  accessToken(principal: string, seconds = HOUR): string {
    const token = `ya29.local-${randomHex(32)}`;
    const expires = Date.now() + seconds * 1000;
    this.state.tokens[token] = { principal, expires };
    return token;
  }

  /** Whom a request's `Authorization` stands for; undefined if it is not accepted. */
  principal(authorization: string | undefined): string | undefined {
    const token = /^Bearer (.+)$/i.exec(authorization ?? "")?.[1] ?? "";
    const known = this.state.tokens[token];
    return known && known.expires > Date.now() ? known.principal : undefined;
  }

  identityToken(email: string, audience: string, seconds = HOUR): string {
    const now = Math.floor(Date.now() / 1000);
    const claims = {
      iss: ISSUER,
      aud: audience,
      azp: email,
      sub: email,
      email,
      email_verified: true,
      iat: now,
      exp: now + seconds,
    };
    const content = [{ alg: "RS256", kid: KEY_ID, typ: "JWT" }, claims]
      .map((part) => Buffer.from(JSON.stringify(part)).toString("base64url"))
      .join(".");
    const signature = sign("sha256", Buffer.from(content), keys().privateKey);
    return `${content}.${signature.toString("base64url")}`;
  }

  /** The claims of a token that was signed here and has not expired. */
  verified(token: string): IdentityClaims | undefined {
    const [header = "", claims = "", signature = ""] = token.split(".");
    const content = Buffer.from(`${header}.${claims}`);
    const bytes = Buffer.from(signature, "base64url");
    if (!verify("sha256", content, keys().publicKey, bytes)) {
      return undefined;
    }
    const parsed = JSON.parse(Buffer.from(claims, "base64url").toString());
    return parsed.exp * 1000 > Date.now() ? parsed : undefined;
  }

  /** JSON Web Key Set. @see https://www.googleapis.com/oauth2/v3/certs */
  get keySet(): object {
    const key = createPublicKey(keys().privateKey).export({ format: "jwk" });
    return { keys: [{ ...key, alg: "RS256", use: "sig", kid: KEY_ID }] };
  }
}
