import { ApiError } from "../api-error";
import type { Handlers } from "../call";
import type { Cloud } from "../cloud";
import { shortName, timestamp } from "../identifiers";

/** Tokens of a service account for who may have them. @see https://cloud.google.com/iam/docs/reference/credentials/rest */
export const iamCredentials: Handlers = {
  "iamcredentials.projects.serviceAccounts.generateAccessToken": (
    { path, body },
    cloud,
  ) => {
    const email = existing(cloud, path["name"]!);
    const seconds = Number.parseFloat(body["lifetime"] ?? "3600s");
    return {
      accessToken: cloud.tokens.accessToken(`serviceAccount:${email}`, seconds),
      expireTime: timestamp(Date.now() + seconds * 1000),
    };
  },

  "iamcredentials.projects.serviceAccounts.generateIdToken": (
    { path, body },
    cloud,
  ) => ({
    token: cloud.tokens.identityToken(
      existing(cloud, path["name"]!),
      body["audience"],
    ),
  }),
};

function existing({ state }: Cloud, name: string): string {
  const email = shortName(name);
  if (!state.accounts[email]) {
    throw new ApiError(404, "Not found; Gaia id not found for email " + email);
  }
  return email;
}
