import { generateKeyPairSync } from "node:crypto";
import { ApiError } from "../api-error";
import type { Cloud } from "../cloud";
import { randomHex, timestamp } from "../identifiers";
import type { Json } from "../state";

/** Where Google's clients say that a token is asked for, wherever they ask. */
export const GOOGLE_TOKEN_ADDRESS = "https://oauth2.googleapis.com/token";

/** Google takes no more per account. */
const MOST_KEYS = 10;

/**
 * Makes a key of a service account. Only its public half is kept.
 *
 * @returns the content of its key file; see the key itself under `name`
 * @throws ApiError for an account that has all the keys it may have
 * @see https://cloud.google.com/iam/docs/keys-create-delete
 */
export function createKey(
  { state, settings, origin }: Cloud,
  account: Json,
): { readonly name: string; readonly file: Json } {
  const { email, uniqueId } = account;
  if (keysOf(state.accountKeys, account["name"]).length >= MOST_KEYS) {
    throw new ApiError(429, "Maximum number of keys on account reached.", {
      status: "RESOURCE_EXHAUSTED",
    });
  }
  const pair = generateKeyPairSync("rsa", {
    modulusLength: 2048,
    publicKeyEncoding: { type: "spki", format: "pem" },
    privateKeyEncoding: { type: "pkcs8", format: "pem" },
  });
  const id = randomHex(40);
  const name = `${account["name"]}/keys/${id}`;
  state.accountKeys[name] = {
    publicKey: pair.publicKey,
    key: {
      name,
      validAfterTime: timestamp(),
      validBeforeTime: "9999-12-31T23:59:59Z",
      keyAlgorithm: "KEY_ALG_RSA_2048",
      keyOrigin: "GOOGLE_PROVIDED",
      keyType: "USER_MANAGED",
    },
  };
  return {
    name,
    file: {
      type: "service_account",
      project_id: settings.project,
      private_key_id: id,
      private_key: pair.privateKey,
      client_email: email,
      client_id: uniqueId,
      auth_uri: `${origin}/oauth2/auth`,
      token_uri: `${origin}/oauth2/token`,
      auth_provider_x509_cert_url: `${origin}/oauth2/certs`,
      client_x509_cert_url: `${origin}/oauth2/certs`,
      universe_domain: "googleapis.com",
    },
  };
}

/** Names of an account's keys. */
export function keysOf(
  keys: Readonly<Record<string, unknown>>,
  account: string,
): string[] {
  return Object.keys(keys).filter((name) =>
    name.startsWith(`${account}/keys/`),
  );
}
