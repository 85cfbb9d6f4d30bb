import { type AuthClient, JWT } from "google-auth-library";

/** What the library knows. */
const STANDARD = "https://oauth2.googleapis.com/token";

/**
 * Has a service account's client ask for tokens where its key file says. The
 * provider, gcloud and Google's Python library do; Google's Node library always
 * asks the same address, out of reach from where another one is prescribed.
 *
 * @param content - of the key file
 */
export function askWhereKeySays(client: AuthClient, content: string): void {
  const { token_uri } = JSON.parse(content) as { token_uri?: string };
  if (!(client instanceof JWT) || !token_uri || token_uri === STANDARD) {
    return;
  }
  client.transporter.interceptors.request.add({
    resolved: async (config) => {
      if (String(config.url) === STANDARD) config.url = new URL(token_uri);
      return config;
    },
  });
}
