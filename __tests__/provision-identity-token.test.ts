import { createServer, type Server } from "node:http";
import { type AddressInfo } from "node:net";
import { identityToken } from "../provision/identity-token";

let server: Server;
let received: { url: string; body: string; authorization: string }[];
let status: number;
let env: NodeJS.ProcessEnv;
beforeEach(async () => {
  received = [];
  status = 200;
  server = createServer((request, response) => {
    let body = "";
    request.on("data", (chunk: Buffer) => (body += chunk.toString()));
    request.on("end", () => {
      const { authorization = "" } = request.headers;
      received.push({ url: request.url ?? "", body, authorization });
      response.writeHead(status, { "content-type": "application/json" });
      response.end(
        JSON.stringify(
          status === 200
            ? { token: "signed" }
            : { error: { code: status, message: "Permission denied" } },
        ),
      );
    });
  });
  await new Promise<void>((ready) => server.listen(0, "127.0.0.1", ready));
  const { port } = server.address() as AddressInfo;
  env = {
    GOOGLE_OAUTH_ACCESS_TOKEN: "access",
    GOOGLE_IAM_CREDENTIALS_CUSTOM_ENDPOINT: `http://127.0.0.1:${port}/v1/`,
  };
});
afterEach(async () => {
  server.closeAllConnections();
  await new Promise((closed) => server.close(closed));
});

const SIGNER = "ci@p.iam.gserviceaccount.com";
const token = () =>
  identityToken("https://s.run.app", env, {
    transporterOptions: { fetchImplementation: fetch },
    signer: SIGNER,
  });

test("an access token, which is no identity, may have a service account sign", async () => {
  expect(await token()).toBe("signed");
  expect(received).toEqual([
    {
      url: `/v1/projects/-/serviceAccounts/${SIGNER}:generateIdToken`,
      body: '{"audience":"https://s.run.app","includeEmail":true}',
      authorization: "Bearer access",
    },
  ]);
});

test("a token that is there already is taken as it is", async () => {
  env = { ...env, GOOGLE_ID_TOKEN: "ready" };

  expect(await token()).toBe("ready");
  expect(received).toEqual([]);
});

test("fails when the access token may not have it sign, and says which role is missing", async () => {
  status = 403;

  await expect(token()).rejects.toThrow(
    /Permission denied \(that needs roles\/iam\.serviceAccountOpenIdTokenCreator on ci@p/,
  );
});
