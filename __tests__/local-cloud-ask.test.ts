import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { ask } from "../commands/ask";
import { CommandError } from "../commands/command-line";
import { http } from "../commands/http";
import { load } from "../commands/load";
import { DEFAULTS } from "../rehearsal/cloud/cloud-settings";
import { LocalCloud } from "./local-cloud";

// Half a second, and drawn in a test of its own.
jest.mock("../commands/load/chart", () => ({ writeChart: jest.fn() }));

const IMAGE = `${DEFAULTS.region}-docker.pkg.dev/${DEFAULTS.project}/images/i`;

/** Answers as the serving image does, and tells what authorization it saw. */
const SERVER = `
import { createServer } from "node:http";
createServer((request, response) => {
  const event = (data) => response.write("data: " + JSON.stringify(data) + "\\n\\n");
  switch (request.url) {
    case "/generate":
      return response.end(JSON.stringify({ predictions: [request.headers.authorization] }));
    case "/lineage":
      return response.end(JSON.stringify({ prompt: "{question}", run_id: "0123456789ab" }));
    case "/v1/models":
      return response.end(JSON.stringify({ data: [{ id: "tiny" }] }));
    case "/v1/completions":
      response.writeHead(200, { "content-type": "text/event-stream" });
      event({ choices: [{ text: "SELECT 1", finish_reason: "stop" }] });
      event({ choices: [], usage: { prompt_tokens: 3, completion_tokens: 3 } });
      return response.end("data: [DONE]\\n\\n");
    default:
      return response.end();
  }
}).listen(process.env.PORT, "127.0.0.1");
`;

describe("a service of a local cloud", () => {
  let cloud: LocalCloud;
  let folder: string;
  let uri: string;
  beforeAll(async () => {
    cloud = await LocalCloud.start();
    folder = mkdtempSync(join(tmpdir(), "tuneserve-ask-cloud-"));
    const rootfs = join(folder, "image", "rootfs");
    mkdirSync(rootfs, { recursive: true });
    writeFileSync(join(rootfs, "main.mjs"), SERVER);
    writeFileSync(
      join(folder, "image", "image.json"),
      JSON.stringify({
        entrypoint: [process.execPath, "main.mjs"],
        ...{ cmd: [], env: {}, workdir: "/" },
      }),
    );
    cloud.image(IMAGE, join(folder, "image"));
    await cloud.account("serve-sa");
    const operation = await cloud.post(
      "run",
      `${cloud.parent}/services`,
      {
        template: {
          serviceAccount: cloud.email("serve-sa"),
          containers: [
            {
              image: `${IMAGE}:1`,
              startupProbe: { httpGet: { path: "/health" }, periodSeconds: 1 },
            },
          ],
        },
      },
      { serviceId: "serve-gemma-sql" },
    );
    uri = (await cloud.done("run", operation)).response.uri;
  }, 30_000);
  afterAll(async () => {
    await cloud.close();
    rmSync(folder, { recursive: true });
  });

  /** Runs a command with an identity token in its environment. */
  async function run(command: typeof ask, token: string, args: string[]) {
    let out = "";
    jest
      .spyOn(console, "log")
      .mockImplementation((text) => (out += `${text}\n`) as never);
    jest.spyOn(console, "error").mockImplementation(() => undefined);
    try {
      const code = await command([...args, "--url", uri], {
        env: {
          GOOGLE_ID_TOKEN: token,
          PROJECT_ID: DEFAULTS.project,
          REGION: DEFAULTS.region,
        },
        root: folder,
        http: http(fetch),
      });
      return { code, out };
    } catch (error) {
      if (!(error instanceof CommandError)) throw error;
      return { code: error.exitCode, out: error.message };
    } finally {
      jest.restoreAllMocks();
    }
  }
  const asked = (token: string) => run(ask, token, ["How many?"]);
  const loaded = (token: string) =>
    run(load, token, [
      ...["--rate", "20", "--warm-up", "0.1", "--duration", "0.5"],
      ...["--chart", join(folder, "load.png")],
    ]);
  const tokenOf = (email: string, audience = uri, seconds = 3600) =>
    cloud.server.cloud.tokens.identityToken(email, audience, seconds);

  test("answers npm run ask with the token of its environment, and shows the container no usable one", async () => {
    const token = cloud.env["GOOGLE_ID_TOKEN"]!;
    const { code, out } = await asked(token);

    expect(code).toBe(0);
    expect(out).toBe(
      `Bearer ${token.split(".").slice(0, 2).join(".")}.SIGNATURE_REMOVED_BY_GOOGLE\n`,
    );
  });

  test("answers npm run load with it", async () => {
    const { code, out } = await loaded(cloud.env["GOOGLE_ID_TOKEN"]!);

    expect(code).toBe(0);
    expect(out).toMatch(/requests +\d+ arrivals, \d+ answers, 0 errors/);
  });

  test.each<[string, () => string, RegExp]>([
    [
      "a token for another service",
      () => tokenOf(cloud.email("serve-sa"), "https://other.example"),
      /Cloud Run does not accept the identity token \(401\)/,
    ],
    [
      "a token that has expired",
      () => tokenOf(DEFAULTS.user, uri, -1),
      /Cloud Run does not accept the identity token \(401\)/,
    ],
    [
      "the token of somebody without a grant",
      () => tokenOf(cloud.email("serve-sa")),
      /serviceAccount:serve-sa@.* may not ask the service \(403\).*add-iam-policy-binding/s,
    ],
  ])("fails when it is asked with %s", async (_what, token, message) => {
    for (const answer of [await asked(token()), await loaded(token())]) {
      expect(answer.code).toBe(1);
      expect(answer.out).toMatch(message);
    }
  });

  test("answers who may not ask in the words of Cloud Run", async () => {
    const get = async (token?: string) => {
      const answer = await fetch(`${uri}/a<b`, {
        headers: token ? { authorization: `Bearer ${token}` } : {},
      });
      return [
        answer.status,
        answer.headers.get("www-authenticate"),
        await answer.text(),
      ] as const;
    };
    const [status, , page] = await get();
    const [refused, why, text] = await get(tokenOf(DEFAULTS.user, uri, -1));

    expect(status).toBe(403);
    expect(page).toContain(
      "<h1>Error: Forbidden</h1>\n<h2>Your client does not have permission to get URL <code>/a%3Cb</code> from this server.</h2>",
    );
    expect(refused).toBe(401);
    expect(why).toContain('error="invalid_token"');
    expect(text).toContain("<title>401 Unauthorized</title>");
  });
});
