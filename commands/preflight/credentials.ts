import type { Check, Finding } from "./finding";

const TOKEN_HOST = "https://oauth2.googleapis.com/token";

/** Whose credentials a deployment would use, from where, and until when. */
export const credentials: Check = async ({ env, http, accessToken }) => {
  const what = "Google credentials";
  const from = source(env);
  let token: string;
  try {
    token = await accessToken();
  } catch (error) {
    return [
      {
        status: "fail",
        what,
        detail: `${from}: ${(error as Error).message.split("\n")[0]}`,
        remedy: "gcloud auth application-default login",
      },
    ];
  }
  // In the body, since an address ends up in logs.
  // gcloud's property for where tokens come from.
  const host = env["CLOUDSDK_AUTH_TOKEN_HOST"] || TOKEN_HOST;
  const { status, text } = await http(host.replace(/token$/, "tokeninfo"), {
    method: "POST",
    body: new URLSearchParams({ access_token: token }),
  });
  if (status === 400 || status === 401) {
    return [
      {
        status: "fail",
        what,
        detail: `${from}: Google refuses the token, it is wrong or has expired`,
        remedy: env["GOOGLE_OAUTH_ACCESS_TOKEN"]
          ? "export GOOGLE_OAUTH_ACCESS_TOKEN=$(gcloud auth print-access-token)"
          : "gcloud auth application-default login",
      },
    ];
  }
  if (status !== 200) {
    throw new Error(`${new URL(host).host} answered ${status}`);
  }
  const { email, expires_in } = JSON.parse(text) as {
    email?: string;
    expires_in?: string | number;
  };
  const whose = email ?? "somebody (the token does not say who)";
  return [
    { status: "pass", what, detail: `${whose}, from ${from}` },
    ...lifetime(env, Number(expires_in ?? 0)),
  ];
};

/** A bare access token is not renewed, and a training run may outlive it. */
function lifetime(env: NodeJS.ProcessEnv, seconds: number): Finding[] {
  if (!env["GOOGLE_OAUTH_ACCESS_TOKEN"]) {
    return [];
  }
  return [
    {
      status: "warn",
      what: "Google credentials",
      detail: `GOOGLE_OAUTH_ACCESS_TOKEN ends in ${Math.floor(seconds / 60)} minutes and is not renewed; a first deployment may take longer`,
      remedy:
        "gcloud auth application-default login, and unset GOOGLE_OAUTH_ACCESS_TOKEN",
    },
  ];
}

function source(env: NodeJS.ProcessEnv): string {
  const variable = [
    "GOOGLE_OAUTH_ACCESS_TOKEN",
    "GOOGLE_CREDENTIALS",
    "GOOGLE_CLOUD_KEYFILE_JSON",
    "GCLOUD_KEYFILE_JSON",
    "GOOGLE_APPLICATION_CREDENTIALS",
  ].find((name) => env[name]);
  const account = env["GOOGLE_IMPERSONATE_SERVICE_ACCOUNT"];
  return `${variable ?? "gcloud's login or this machine"}${account ? `, on behalf of ${account}` : ""}`;
}
