import { generateKeyPairSync, sign } from "node:crypto";
import { mkdtempSync, readFileSync, rmSync, statSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { http } from "../commands/http";
import { credentials } from "../commands/preflight/credentials";
import type { Preflight } from "../commands/preflight/finding";
import { googleClient } from "../provision/google-client";
import { identityToken } from "../provision/identity-token";
import { DEFAULTS } from "../rehearsal/cloud/cloud-settings";
import { writeDeployerKey } from "../rehearsal/cloud/deployer";
import { cloudEnvironment } from "../rehearsal/cloud/environment";
import { LocalCloud } from "./local-cloud";

const GRANT = "urn:ietf:params:oauth:grant-type:jwt-bearer";
const SCOPE = "https://www.googleapis.com/auth/cloud-platform";
const DEPLOYER = `deployer@${DEFAULTS.project}.iam.gserviceaccount.com`;

describe("the token endpoint of a local cloud", () => {
  let cloud: LocalCloud;
  let folder: string;
  let file: string;
  let key: Record<string, string>;
  beforeAll(async () => {
    cloud = await LocalCloud.start();
    folder = mkdtempSync(join(tmpdir(), "tuneserve-key-"));
    file = join(folder, "key.json");
    writeDeployerKey(cloud.server.cloud, file);
    key = JSON.parse(readFileSync(file, "utf8"));
  });
  afterAll(async () => {
    await cloud.close();
    rmSync(folder, { recursive: true });
  });

  /** A token that says these claims, signed with a key file. */
  function signed(claims: object, by = key, header: object = {}): string {
    const content = [
      { alg: "RS256", typ: "JWT", kid: by["private_key_id"], ...header },
      claims,
    ]
      .map((part) => Buffer.from(JSON.stringify(part)).toString("base64url"))
      .join(".");
    const signature = sign("sha256", Buffer.from(content), by["private_key"]!);
    return `${content}.${signature.toString("base64url")}`;
  }
  const claims = (more: object = {}) => {
    const now = Math.floor(Date.now() / 1000);
    return {
      iss: key["client_email"],
      aud: key["token_uri"],
      iat: now,
      exp: now + 3600,
      scope: SCOPE,
      ...more,
    };
  };
  const ask = async (form: Record<string, string>, path = "token") => {
    const answer = await fetch(`${cloud.server.cloud.origin}/oauth2/${path}`, {
      method: "POST",
      body: new URLSearchParams(form),
    });
    return { status: answer.status, ...((await answer.json()) as any) };
  };
  const grant = (assertion: string) => ask({ grant_type: GRANT, assertion });

  test("lets a key file work with Google's Node library, as the environment of --key-file has it", async () => {
    const env = cloudEnvironment(cloud.server.cloud, file);
    const client = googleClient(env, { fetchImplementation: fetch });
    const project = await client.request({
      service: "resourcemanager",
      path: `projects/${DEFAULTS.project}`,
    });
    const token = await identityToken("https://a.example", env, {
      transporterOptions: { fetchImplementation: fetch },
    });

    expect(project).toMatchObject({ projectId: DEFAULTS.project });
    expect(cloud.server.cloud.tokens.verified(token)).toMatchObject({
      aud: "https://a.example",
      email: DEPLOYER,
    });
    expect(env).not.toHaveProperty("GOOGLE_OAUTH_ACCESS_TOKEN");
    expect(statSync(file).mode & 0o777).toBe(0o600);
  });

  test("takes the content of a key file where the provider does", async () => {
    const { GOOGLE_APPLICATION_CREDENTIALS: _, ...env } = cloudEnvironment(
      cloud.server.cloud,
      file,
    );
    const client = googleClient(
      { ...env, GOOGLE_CREDENTIALS: readFileSync(file, "utf8") },
      { fetchImplementation: fetch },
    );

    expect(
      await client.request({
        service: "resourcemanager",
        path: `projects/${DEFAULTS.project}`,
      }),
    ).toMatchObject({ projectId: DEFAULTS.project });
  });

  test("takes the address of Google's own endpoint as audience, which its Python library says", async () => {
    const aud = "https://oauth2.googleapis.com/token";

    expect(await grant(signed(claims({ aud })))).toMatchObject({
      status: 200,
      access_token: expect.stringMatching(/^ya29\./),
    });
  });

  test.each<[string, () => string, number, string, string]>([
    [
      "of an account that is not there",
      () => signed(claims({ iss: "nobody@example.com" })),
      400,
      "invalid_grant",
      "Invalid grant: account not found",
    ],
    [
      "signed with another key",
      () => {
        const { privateKey } = generateKeyPairSync("rsa", {
          modulusLength: 2048,
          publicKeyEncoding: { type: "spki", format: "pem" },
          privateKeyEncoding: { type: "pkcs8", format: "pem" },
        });
        return signed(claims(), { ...key, private_key: privateKey });
      },
      400,
      "invalid_grant",
      "Invalid JWT Signature.",
    ],
    [
      "with another algorithm in its header",
      () => signed(claims(), key, { alg: "none" }),
      400,
      "invalid_grant",
      "Invalid JWT Signature.",
    ],
    [
      "for another audience",
      () => signed(claims({ aud: "https://example.com/token" })),
      400,
      "invalid_grant",
      "Invalid JWT: Failed audience check. The right audience is https://oauth2.googleapis.com/token",
    ],
    ...(
      [
        ["that has expired", -7200, -3600],
        ["from tomorrow", 86_400, 90_000],
        ["that lives longer than an hour", 0, 7200],
      ] as const
    ).map(
      ([what, from, to]) =>
        [
          what,
          () => {
            const now = Math.floor(Date.now() / 1000);
            return signed(claims({ iat: now + from, exp: now + to }));
          },
          400,
          "invalid_grant",
          "Invalid JWT: Token must be a short-lived token (60 minutes) and in a reasonable timeframe. Check your iat and exp values in the JWT claim.",
        ] as [string, () => string, number, string, string],
    ),
    [
      "without a scope",
      () => signed(claims({ scope: "" })),
      400,
      "invalid_scope",
      "Invalid OAuth scope or ID token audience provided.",
    ],
    [
      "on behalf of somebody else",
      () => signed(claims({ sub: "ada@example.com" })),
      401,
      "unauthorized_client",
      "Client is unauthorized to retrieve access tokens using this method, or client not authorized for any of the scopes requested.",
    ],
    ["that is no token", () => "a.b.c", 400, "invalid_grant", "Bad Request"],
  ])(
    "fails when it is given a token %s",
    async (_what, make, status, ...said) => {
      const [error, error_description] = said;

      expect(await grant(make())).toEqual({ status, error, error_description });
    },
  );

  test("fails when the grant is of another type", async () => {
    expect(await ask({ grant_type: "password" })).toEqual({
      status: 400,
      error: "unsupported_grant_type",
      error_description: "Invalid grant_type: password",
    });
  });

  test("a key made through the API works until it is deleted", async () => {
    await cloud.account("keyed-sa");
    const account = `projects/${DEFAULTS.project}/serviceAccounts/${cloud.email("keyed-sa")}`;
    const { name, privateKeyData } = await cloud.post("iam", `${account}/keys`);
    const made = JSON.parse(Buffer.from(privateKeyData, "base64").toString());
    const token = () => grant(signed(claims({ iss: made.client_email }), made));

    expect(await token()).toMatchObject({ status: 200 });
    await cloud.client.request({
      service: "iam",
      path: name,
      method: "DELETE",
    });
    expect(await token()).toMatchObject({
      error_description: "Invalid JWT Signature.",
    });
  });

  test("says whose a token is, to npm run preflight as well", async () => {
    const token = cloud.env["GOOGLE_OAUTH_ACCESS_TOKEN"]!;
    const look = (given: string) =>
      credentials({
        env: { ...cloud.env, GOOGLE_OAUTH_ACCESS_TOKEN: given },
        http: http(fetch),
        accessToken: () => Promise.resolve(given),
      } as unknown as Preflight);

    expect(await ask({ access_token: token }, "tokeninfo")).toMatchObject({
      status: 200,
      email: DEFAULTS.user,
    });
    expect((await look(token))[0]).toMatchObject({
      status: "pass",
      detail: `${DEFAULTS.user}, from GOOGLE_OAUTH_ACCESS_TOKEN`,
    });
    expect((await look("made-up"))[0]).toMatchObject({ status: "fail" });
  });
});
