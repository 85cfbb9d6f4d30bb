import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import path from "node:path";
import { ask } from "../commands/ask";
import { identityToken, principalOf } from "../commands/ask/identity-token";
import { completionOf, renderPrompt } from "../commands/ask/prompt";
import { serviceCall } from "../commands/ask/service-call";
import { CommandError } from "../commands/command-line";
import { type Http, http } from "../commands/http";

const QUESTION = "How many singers are older than 30?";
const TABLES = "CREATE TABLE singer (age INTEGER)";
const SQL = "SELECT COUNT(*) FROM singer WHERE age > 30";

let root: string;
let server: Server;
let url: string;
/** Answers of the server by "METHOD path", in order; the last one stays. */
let answers: Record<string, [number, unknown][]>;
let requests: { line: string; body: string; authorization?: string }[];

beforeEach(async () => {
  root = mkdtempSync(path.join(tmpdir(), "tuneserve-ask-"));
  answers = { "POST /generate": [[200, { predictions: [` ${SQL}\n`] }]] };
  requests = [];
  server = createServer((request, response) => {
    let body = "";
    request.on("data", (chunk) => (body += chunk));
    request.on("end", () => {
      const line = `${request.method} ${request.url}`;
      const { authorization } = request.headers;
      requests.push({
        line,
        body,
        ...(authorization === undefined ? {} : { authorization }),
      });
      const queue = answers[line] ?? [[404, { detail: "Not Found" }]];
      const [status, answer] =
        (queue.length > 1 ? queue.shift() : queue[0]) ?? [];
      response.writeHead(status ?? 500);
      response.end(
        typeof answer === "string" ? answer : JSON.stringify(answer),
      );
    });
  });
  await new Promise<void>((done) => server.listen(0, "127.0.0.1", done));
  url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
});

afterEach(async () => {
  server.closeAllConnections();
  await new Promise((done) => server.close(done));
  rmSync(root, { recursive: true, force: true });
});

/** Sends what goes to Cloud Run to the local server. */
const toLocalServer: Http = (address, request) =>
  http(fetch)(address.replace(/^https:\/\/[^/]+/, url), request);

async function run(
  args: string[],
  env: NodeJS.ProcessEnv = {},
): Promise<{ code: number; out: string; err: string }> {
  let out = "";
  let err = "";
  jest
    .spyOn(console, "log")
    .mockImplementation((text) => (out += `${text}\n`) as never);
  jest
    .spyOn(console, "error")
    .mockImplementation((text) => (err += `${text}\n`) as never);
  try {
    const code = await ask(args, { env, root, http: toLocalServer });
    return { code, out, err };
  } catch (error) {
    if (!(error instanceof CommandError)) throw error;
    return { code: error.exitCode, out, err: err + error.message };
  } finally {
    jest.restoreAllMocks();
  }
}

const sent = () => JSON.parse(requests.at(-1)?.body ?? "{}") as object;

const identity = (email: string) =>
  `head.${Buffer.from(JSON.stringify({ email })).toString("base64url")}.sign`;

describe("npm run ask", () => {
  test("prints the SQL alone on stdout", async () => {
    const result = await run([QUESTION, "--context", TABLES, "--url", url]);
    expect(result).toEqual({ code: 0, out: `${SQL}\n`, err: "" });
  });

  test("asks in the words of the served model's manifest", async () => {
    answers["GET /lineage"] = [[200, { prompt: "Q={question} T={context}" }]];
    await run([QUESTION, "--context", TABLES, "--url", url]);
    expect(sent()).toEqual({ prompt: `Q=${QUESTION} T=${TABLES}` });
  });

  test("sends a message to a model that was trained on chats", async () => {
    answers["GET /lineage"] = [
      [200, { prompt: "Q={question}", dataset: { format: "messages" } }],
    ];
    await run([QUESTION, "--context", TABLES, "--url", url]);
    expect(sent()).toEqual({ prompt: `${TABLES}\n\n${QUESTION}` });
    const { err } = await run([QUESTION, "--url", url]);
    expect(sent()).toEqual({ prompt: QUESTION });
    expect(err).toBe("");
  });

  test("reads an answer behind the echo of the tutorial's image", async () => {
    const prompt = `Question: ${QUESTION}\nContext: ${TABLES}\nAnswer:`;
    const echo = `Prompt:\n${prompt}\nOutput:\n ${SQL}`;
    answers["POST /generate"] = [[200, { predictions: [echo] }]];
    const { out } = await run([QUESTION, "--context", TABLES, "--url", url]);
    expect(out).toBe(`${SQL}\n`);
  });

  test("asks in the words of the settings where there is no manifest", async () => {
    const model = { prompt: "Frage: {question}\nTabellen: {context}" };
    const environments = { dev: { models: { m: model } } };
    writeFileSync(
      path.join(root, "cdktf.json"),
      JSON.stringify({ context: { environments } }),
    );
    await run([QUESTION, "--context", TABLES, "--url", url]);
    expect(sent()).toEqual({
      prompt: `Frage: ${QUESTION}\nTabellen: ${TABLES}`,
    });
  });

  test("asks in the tutorial's words where nothing else is known", async () => {
    await run([QUESTION, "--context", TABLES, "--url", url]);
    expect(sent()).toEqual({
      prompt: `Question: ${QUESTION}\nContext: ${TABLES}\nAnswer:`,
    });
  });

  test("asks without tables, but says what that means", async () => {
    const { code, out, err } = await run([QUESTION, "--url", url]);
    expect({ code, out }).toEqual({ code: 0, out: `${SQL}\n` });
    expect(err).toContain("No --context");
  });

  test("prints the answer as it is with --json", async () => {
    const { out } = await run([QUESTION, "--json", "--url", url]);
    expect(JSON.parse(out)).toEqual({ predictions: [` ${SQL}\n`] });
  });

  test("sends an identity token to Cloud Run and none to a server here that asks for none", async () => {
    const env = { GOOGLE_ID_TOKEN: "the-token" };
    await run([QUESTION, "--url", "https://s-1.us-central1.run.app"], env);
    expect(requests.map(({ authorization }) => authorization)).toEqual([
      "Bearer the-token",
      "Bearer the-token",
    ]);
    requests = [];
    await run([QUESTION, "--url", url], env);
    expect(requests.at(-1)!.line).toBe("POST /generate");
    for (const { authorization } of requests) {
      expect(authorization).toBeUndefined();
    }
  });

  test("fails when the caller may not ask, with the command that lets them", async () => {
    answers["GET /lineage"] = [[403, "Forbidden"]];
    writeFileSync(
      path.join(root, "cdktf.json"),
      JSON.stringify({
        context: { environments: { dev: { models: { m: {} } } } },
      }),
    );
    const { code, out, err } = await run(
      [QUESTION, "--url", "https://s-1.europe-west1.run.app"],
      {
        GOOGLE_ID_TOKEN: identity("ada@example.com"),
        PROJECT_ID: "proj-a1",
        REGION: "europe-west1",
      },
    );
    expect({ code, out }).toEqual({ code: 1, out: "" });
    expect(err).toContain(
      "gcloud run services add-iam-policy-binding serve-gemma-sql --region europe-west1 --project proj-a1 --member user:ada@example.com --role roles/run.invoker",
    );
    expect(err).not.toContain(identity("ada@example.com"));
  });

  test.each([
    [[], "The question is missing"],
    [["  "], "The question is missing"],
    [["How", "many"], "Got 2 questions; put the whole question between quotes"],
    [["x", "--timeout", "soon"], "--timeout: got 'soon'"],
    [["x", "--url", "serve"], "--url: got 'serve'"],
    [["x", "--url", "http://example.com"], "allowed: https"],
    [["x", "--contxt", "y"], "Did you mean --context?"],
  ])("fails when called with %j", async (args, message) => {
    const { code, err } = await run(args);
    expect(code).toBe(2);
    expect(err).toContain(message);
    expect(requests).toEqual([]);
  });

  test("fails when there is no /generate", async () => {
    delete answers["POST /generate"];
    const { code, err } = await run([QUESTION, "--url", url]);
    expect(code).toBe(1);
    expect(err).toContain("has no /generate (404)");
  });

  test("fails when the server refuses, with its words", async () => {
    answers["POST /generate"] = [[422, { error: "the prompt is empty" }]];
    const { code, err } = await run([QUESTION, "--url", url]);
    expect(code).toBe(1);
    expect(err).toContain('answered 422: {"error":"the prompt is empty"}');
  });

  test("fails when the answer has another shape", async () => {
    answers["POST /generate"] = [[200, "<html>"]];
    const { code, err } = await run([QUESTION, "--url", url]);
    expect(code).toBe(1);
    expect(err).toContain("unknown shape: <html>");
  });

  test("fails when nothing listens", async () => {
    const closed = createServer();
    await new Promise<void>((done) => closed.listen(0, "127.0.0.1", done));
    const { port } = closed.address() as AddressInfo;
    await new Promise((done) => closed.close(done));
    const there = `http://127.0.0.1:${port}`;
    const { code, err } = await run([QUESTION, "--url", there]);
    expect(code).toBe(1);
    expect(err).toContain(`Nothing listens at ${there}`);
  });

  describe("with a deployed stack", () => {
    const deployed = (service_url: unknown) => {
      const outputs = { service_url: { value: service_url } };
      const script = `#!/bin/sh\ncase "$*" in\n*version*) echo '{"terraform_version":"1.11.4"}';;\n*output*) echo '${JSON.stringify(service_url ? outputs : {})}';;\nesac\n`;
      writeFileSync(path.join(root, "terraform"), script, { mode: 0o755 });
      const stack = path.join(root, "cdktf.out/stacks/dev");
      mkdirSync(stack, { recursive: true });
      const stacks = { dev: { name: "dev", workingDirectory: "stacks/dev" } };
      writeFileSync(
        path.join(root, "cdktf.out/manifest.json"),
        JSON.stringify({ stacks }),
      );
    };
    const env = () => ({ PATH: `${root}:${process.env["PATH"]}` });

    test("takes the address from the outputs", async () => {
      deployed(url);
      const { out } = await run([QUESTION, "--context", TABLES], env());
      expect(out).toBe(`${SQL}\n`);
    });

    test("takes the address of the model that is asked for", async () => {
      deployed({ small: "http://127.0.0.1:1", large: url });
      const chosen = await run([QUESTION, "--model", "large"], env());
      expect(chosen.code).toBe(0);
      const none = await run([QUESTION], env());
      expect(none.err).toContain("choose one with --model: small, large.");
    });

    test("fails when nothing is deployed", async () => {
      deployed(undefined);
      const { code, err } = await run([QUESTION], env());
      expect(code).toBe(1);
      expect(err).toContain("Nothing is deployed in environment dev");
    });
  });
});

describe("a service that starts from zero", () => {
  const call = (said: string[], deadlineSeconds = 10) =>
    serviceCall({
      url: "https://s-1.us-central1.run.app",
      token: "t",
      http: toLocalServer,
      deadlineSeconds,
      say: (text) => said.push(text),
      patienceSeconds: 0.02,
      firstDelaySeconds: 0.05,
    });

  test("is asked again until it answers, and that is said once", async () => {
    answers["GET /lineage"] = [
      [503, "starting"],
      [429, "no available instance"],
      [500, "no available instance"],
      [200, {}],
    ];
    const said: string[] = [];
    expect((await call(said)("/lineage")).status).toBe(200);
    expect(requests).toHaveLength(4);
    expect(said).toEqual([expect.stringContaining("starting from zero")]);
  });

  test("is not asked again when the server itself is broken", async () => {
    answers["GET /lineage"] = [[500, "a traceback"]];
    expect((await call([])("/lineage")).status).toBe(500);
    expect(requests).toHaveLength(1);
  });

  test("fails when it has not started by the deadline", async () => {
    answers["GET /lineage"] = [[503, "starting"]];
    await expect(call([], 0.2)("/lineage")).rejects.toThrow(
      /did not answer within 0.2 seconds \(it answered 503\).*--timeout/,
    );
  });
});

describe("a prompt", () => {
  test("is filled in one pass", () => {
    const values = { question: "{context}?", context: "T" };
    expect(renderPrompt("{question} {context}", values)).toBe("{context}? T");
  });

  test("keeps the braces that its template writes twice", () => {
    const template = 'Return {{"sql": ...}} for {question}';
    expect(renderPrompt(template, { question: "Q" })).toBe(
      'Return {"sql": ...} for Q',
    );
  });

  test.each([
    ["alone", ` ${SQL}`],
    [
      "behind the echo of the tutorial's image",
      `Prompt:\nQ\nA:\nOutput:\n ${SQL}`,
    ],
    [
      "behind an echo that was trimmed otherwise",
      `Prompt:\nother\nOutput:\n ${SQL}`,
    ],
  ])("is answered %s", (_, prediction) => {
    const answer = JSON.stringify({ predictions: [prediction] });
    expect(completionOf(answer, "Q\nA:")).toBe(SQL);
  });
});

describe("an identity token", () => {
  const login = {
    type: "authorized_user",
    client_id: "id",
    client_secret: "secret",
    refresh_token: "refresh",
  };

  test("comes from a person's login", async () => {
    answers["POST /token"] = [[200, { id_token: "theirs" }]];
    const token = await identityToken(
      "https://s-1.us-central1.run.app",
      { GOOGLE_CREDENTIALS: JSON.stringify(login) },
      {
        fetchImplementation: (_address, init) => fetch(`${url}/token`, init),
      },
    );
    expect(token).toBe("theirs");
    expect(new URLSearchParams(requests[0]?.body).get("target_audience")).toBe(
      "https://s-1.us-central1.run.app",
    );
  });

  test("fails when there is only an access token", async () => {
    await expect(
      identityToken("https://x", { GOOGLE_OAUTH_ACCESS_TOKEN: "t" }),
    ).rejects.toThrow("export GOOGLE_ID_TOKEN=$(gcloud auth print-");
  });

  test("names whom it stands for", () => {
    expect(principalOf(identity("ada@example.com"))).toBe(
      "user:ada@example.com",
    );
    expect(principalOf(identity("a@p.iam.gserviceaccount.com"))).toBe(
      "serviceAccount:a@p.iam.gserviceaccount.com",
    );
    expect(principalOf("not a token")).toBeNull();
  });
});
