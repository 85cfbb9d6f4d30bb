import type { Json } from "../state";

const SECRET = /^(projects\/[^/]+\/secrets\/)?[\w-]{1,255}$/;
/** A number, "latest", or another alias. */
const VERSION = /^[\w-]+$/;
/** An email, or the part of it before the "@" for an account of the same project. */
const ACCOUNT = /^([^@\s/]+@[^@\s/]+|[a-z][a-z0-9-]{4,28}[a-z0-9])$/;

/**
 * How a template names an account and secrets.
 *
 * @see https://cloud.google.com/run/docs/reference/rest/v2/Container#secretkeyselector
 */
export function referenceProblems(template: Json): string[] {
  const { serviceAccount: account, volumes = [], containers = [] } = template;
  const variables: Json[] = containers.flatMap(({ env = [] }: Json) => env);
  return [
    ...(account === undefined || ACCOUNT.test(account)
      ? []
      : [
          `service_account: Unsupported service account: '${account}'. It must be an email, or an id of 6 to 30 characters.`,
        ]),
    ...variables.flatMap(({ name, valueSource }) =>
      secretProblems(
        `env.${name}.value_source.secret_key_ref`,
        valueSource?.secretKeyRef,
      ),
    ),
    ...volumes.flatMap(({ name, secret }: Json) => [
      ...secretProblems(`volumes.${name}.secret`, secret),
      ...(secret?.items ?? []).flatMap(({ version }: Json) =>
        versionProblems(`volumes.${name}.secret.items`, version),
      ),
    ]),
  ];
}

/** @param account - as a template names it */
export const accountEmail = (account: string, project: string) =>
  account.includes("@")
    ? account
    : `${account}@${project}.iam.gserviceaccount.com`;

function secretProblems(at: string, given: Json | undefined): string[] {
  if (given === undefined) return [];
  const { secret = "", version } = given;
  return [
    ...(SECRET.test(secret)
      ? []
      : [
          `${at}.secret: '${secret}' must be a secret's id, or projects/PROJECT/secrets/ID.`,
        ]),
    ...versionProblems(at, version),
  ];
}

function versionProblems(at: string, version = "latest"): string[] {
  return VERSION.test(version)
    ? []
    : [`${at}.version: '${version}' must be a number or an alias.`];
}
