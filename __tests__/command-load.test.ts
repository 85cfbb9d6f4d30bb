import { spawn } from "node:child_process";
import {
  existsSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import type { ServerResponse } from "node:http";
import path from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { CommandError } from "../commands/command-line";
import { http } from "../commands/http";
import { load } from "../commands/load";
import type { LoadResult } from "../commands/load/load-result";
import { begin, CompletionServer, event, stream } from "./completion-server";

// Half a second each; load-chart.test.ts draws one, and so does Ctrl-C below.
jest.mock("../commands/load/chart", () => ({ writeChart: jest.fn() }));

let folder: string;
let server: CompletionServer;

beforeEach(async () => {
  folder = mkdtempSync(path.join(tmpdir(), "tuneserve-load-"));
  server = new CompletionServer();
  await server.listen();
});

afterEach(async () => {
  await server.close();
  rmSync(folder, { recursive: true, force: true });
});

const chart = () => path.join(folder, "load.png");
const json = () => path.join(folder, "load.json");
const QUICK = ["--warm-up", "0.1", "--duration", "0.5", "--arrivals", "fixed"];

/** Runs the command against the server, briefly. */
async function run(...args: string[]) {
  let out = "";
  let err = "";
  jest
    .spyOn(console, "log")
    .mockImplementation((text) => (out += `${text}\n`) as never);
  jest
    .spyOn(console, "error")
    .mockImplementation((text) => (err += `${text}\n`) as never);
  const files = ["--chart", chart(), "--json", json()];
  const url = args.includes("--url") ? [] : ["--url", server.url];
  let code: number;
  try {
    code = await load([...url, ...files, ...QUICK, ...args], {
      env: {},
      root: folder,
      http: http(fetch),
    });
  } catch (error) {
    if (!(error instanceof CommandError)) throw error;
    code = error.exitCode;
    err += error.message;
  } finally {
    jest.restoreAllMocks();
  }
  const text = existsSync(json()) ? readFileSync(json(), "utf8") : "";
  return {
    code,
    out,
    err,
    result: (text ? JSON.parse(text) : {}) as LoadResult,
  };
}

describe("npm run load", () => {
  test("prints throughput and latency, and writes them down", async () => {
    const { code, out, result } = await run("--rate", "40", "--places", "4");

    expect(code).toBe(0);
    expect(out).toMatch(/requests +20 arrivals, 20 answers, 0 errors/);
    expect(out).toMatch(/first token +[\d.]+ ms +[\d.]+ ms +[\d.]+ ms/);
    expect(result.requests).toMatchObject({
      arrived: 20,
      answered: 20,
      failed: 0,
    });
    expect(result.target).toMatchObject({
      model: "tiny",
      runId: "0123456789ab",
    });
    // With those that began in the warm-up and ended after it.
    expect(result.tokens.written / 3).toBeGreaterThanOrEqual(20);
    expect(result.tokens.written / 3).toBeLessThan(26);
    expect(result.requests.answeredPerSecond).toBeCloseTo(40, -1);
  });

  test("asks in the words of the served model's manifest, each time anew", async () => {
    server.lineage = { prompt: "Q={question} T={context} {{}}" };
    await run("--rate", "40", "--max-tokens", "7");

    const [{ path: route, body }] = server.asked as [(typeof server.asked)[0]];
    expect(route).toBe("/v1/completions");
    expect(body).toMatchObject({ model: "tiny", stream: true, max_tokens: 7 });
    expect(body["prompt"]).toMatch(/^Q=.*\? T=CREATE TABLE .* \{\}$/);
    const prompts = new Set(server.asked.map((asked) => asked.body["prompt"]));
    expect(prompts.size).toBe(server.asked.length);
  });

  test("asks a model of chats by its chat route", async () => {
    server.lineage = { prompt: "", dataset: { format: "messages" } };
    server.answer = ({ response }) => {
      begin(response);
      event(response, { choices: [{ delta: { role: "assistant" } }] });
      event(response, { choices: [{ delta: { content: "SELECT" } }] });
      response.end("data: [DONE]\n\n");
    };
    const { code, result } = await run("--rate", "20");

    expect(code).toBe(0);
    expect(server.asked[0]?.path).toBe("/v1/chat/completions");
    expect(server.asked[0]?.body["messages"]).toEqual([
      { role: "user", content: expect.stringContaining("CREATE TABLE") },
    ]);
    // Events with text count where the server tells no usage.
    expect(result.tokens.written).toBeGreaterThanOrEqual(9);
    expect(result.tokens.written).toBeLessThan(14);
  });

  test("asks a file's prompts over and over", async () => {
    const file = path.join(folder, "prompts.jsonl");
    const rows = [
      { prompt: "raw" },
      { question: "Q?", context: "T", answer: "left out" },
      { messages: [{ role: "user", content: "hi" }, { role: "assistant" }] },
    ];
    writeFileSync(file, rows.map((row) => `${JSON.stringify(row)}\n`).join(""));
    await run("--rate", "20", "--prompts", file);

    const bodies = server.asked.map(({ body }) => body);
    expect(bodies[0]).toMatchObject({ prompt: "raw" });
    expect(bodies[1]).toMatchObject({
      prompt: "Question: Q?\nContext: T\nAnswer:",
    });
    expect(bodies[2]?.["messages"]).toEqual([{ role: "user", content: "hi" }]);
    expect(bodies[3]).toMatchObject({ prompt: "raw" });
  });

  test("keeps about as many requests in flight as it is told", async () => {
    server.answer = async ({ response }) => {
      await sleep(100);
      stream(response, 1);
    };
    const { out, result } = await run(
      ...["--concurrency", "8", "--warm-up", "0.4", "--duration", "1"],
    );

    expect(out).toContain("the rate at which 8 are in flight");
    // Eight in a tenth of a second each: some 80 a second, less what this machine adds.
    expect(result.rate).toBeGreaterThan(40);
    expect(result.rate).toBeLessThan(81);
    expect(result.inFlight.mean).toBeGreaterThan(4);
    expect(result.inFlight.mean).toBeLessThan(16);
  });

  test("does not hide a server that stands still", async () => {
    let still = Promise.resolve();
    server.answer = async ({ response, number }) => {
      if (number === 8) still = sleep(600);
      await still;
      stream(response, 1);
    };
    const { result } = await run("--rate", "40", "--duration", "1");

    // Arrivals went on: all that came within the 600 ms waited for its rest. A
    // closed loop would have made one request in that time, and p50 were fast.
    expect(result.requests.arrived).toBe(40);
    expect(result.inFlight.most).toBeGreaterThan(18);
    expect(result.total!.most).toBeGreaterThan(0.55);
    expect(result.total!.p50).toBeGreaterThan(0.05);
    expect(result.total!.p95).toBeGreaterThan(0.4);
  });

  test("counts those that find all places taken as queued", async () => {
    server.answer = async ({ response }) => {
      await sleep(100);
      stream(response, 1);
    };
    const { out, result } = await run("--rate", "40", "--places", "2");

    expect(out).toMatch(/queued +\d+ of 20 found all 2 places taken/);
    expect(result.queued!.requests).toBeGreaterThan(10);
  });

  test("waits for a service that starts, and tells that time apart", async () => {
    server.starting = [503, 200];
    const { code, result } = await run("--rate", "20");

    expect(code).toBe(0);
    expect(result.target.startSeconds).toBeGreaterThan(1.9);
    expect(result.total!.most).toBeLessThan(1.9);
  });
});

describe("npm run load, when requests fail,", () => {
  /** What can go wrong, and what is said of it. */
  const FAULTS: readonly [
    string,
    (response: ServerResponse) => unknown,
    string,
  ][] = [
    [
      "HTTP 429",
      (response) => {
        response.writeHead(429);
        response.end("no available instance");
      },
      "no available instance\n    Cloud Run had no place",
    ],
    [
      "closed before an answer",
      (response) => response.socket?.destroy(),
      "socket hang up\n    the connection ended first",
    ],
    [
      "closed in mid-answer",
      (response) => {
        begin(response);
        event(response, { choices: [{ text: "SELECT" }] });
        setTimeout(() => response.socket?.destroy(), 20);
      },
      "aborted",
    ],
    [
      "error in mid-answer",
      (response) => {
        begin(response);
        event(response, { error: { message: "EngineCore died" } });
        response.end();
      },
      "EngineCore died",
    ],
    [
      "malformed answer",
      (response) => {
        begin(response);
        response.end("data: {not json\n\ndata: [DONE]\n\n");
      },
      "{not json",
    ],
    ["timeout", () => undefined, "no whole answer within 0.5 s"],
  ];

  test("counts each kind by itself, and says what it may mean", async () => {
    // After the warm-up one kind after the other, a good answer between them.
    server.answer = ({ response, number }) =>
      number < 8 || number % 2 === 0
        ? stream(response, 1)
        : FAULTS[((number - 1) / 2) % FAULTS.length]![1](response);
    const { code, out, result } = await run("--rate", "80", "--timeout", "0.5");

    expect(code).toBe(1);
    expect(result.errors.map(({ kind }) => kind).sort()).toEqual(
      FAULTS.map(([kind]) => kind).sort(),
    );
    const { arrived, answered, failed } = result.requests;
    expect({ arrived, all: answered + failed }).toEqual({
      arrived: 40,
      all: 40,
    });
    for (const [, , words] of FAULTS) expect(out).toContain(words);
  });

  test("takes a page of something else for no answer", async () => {
    server.answer = ({ response, number }) =>
      number < 3
        ? stream(response, 1)
        : response.end("<html>a login page</html>");
    const { code, out } = await run("--rate", "20");

    expect(code).toBe(1);
    expect(out).toContain("malformed answer: no type: <html>a login page");
  });

  test("counts connections that nobody takes", async () => {
    server.answer = ({ response, number }) => {
      stream(response, 1);
      if (number === 8) void server.close();
    };
    const { code, result } = await run("--rate", "40");

    expect(code).toBe(1);
    expect(result.errors).toEqual([
      expect.objectContaining({
        kind: "no connection",
        example: expect.stringContaining("ECONNREFUSED"),
      }),
    ]);
  });

  test("fails when nothing is answered in the warm-up", async () => {
    server.answer = ({ response }) => {
      response.writeHead(400);
      response.end('{"error": "the prompt is too long"}');
    };
    const { code, err } = await run("--concurrency", "2");

    expect(code).toBe(1);
    expect(err).toMatch(
      /Warming up, \d of \d requests failed.*HTTP 400.*too long/,
    );
  });
});

describe("npm run load", () => {
  const prompts = (text: string) => {
    const file = path.join(folder, "p.jsonl");
    writeFileSync(file, text);
    return ["--rate", "1", "--prompts", file];
  };

  test.each<[readonly string[], string]>([
    [[], "Neither --concurrency nor --rate was given"],
    [["--rate", "1", "--concurrency", "1"], "Both --concurrency and --rate"],
    [["--concurency", "4"], "Did you mean --concurrency?"],
    [["--concurrency", "1.5"], "--concurrency: got '1.5'; allowed: a whole"],
    [["--concurrency", "0"], "--concurrency: got '0'"],
    [["--rate", "fast"], "--rate: got 'fast'; allowed: 0.01 to 1000"],
    [["--rate", "1", "--arrivals", "even"], "allowed: poisson, fixed"],
    [["--rate", "1", "--duration", "9999"], "--duration: got '9999'"],
    [["--rate", "1", "--url", "serve"], "--url: got 'serve'"],
    [["--rate", "1", "--chart", "/nowhere/x.png"], "--chart: '/nowhere/x.png'"],
    [["--rate", "1", "--prompts", "/nowhere/p"], "no such file"],
  ])("fails when called with %j", async (args, message) => {
    const { code, err } = await run(...args);

    expect(code).toBe(2);
    expect(err).toContain(message);
    expect(server.asked).toEqual([]);
  });

  test.each([
    ["", "has no lines"],
    ["{}", 'line 1: got {}; allowed: {"prompt": "..."} or'],
    ['{"prompt": "x"}\n\nnot json', "line 3: no JSON"],
  ])("fails when a prompts file holds %j", async (text, message) => {
    const { code, err } = await run(...prompts(text));

    expect(code).toBe(2);
    expect(err).toContain(message);
  });

  test("fails when the built-in questions do not fit the model", async () => {
    server.lineage = { prompt: "Translate {sentence}" };
    const { code, err } = await run("--rate", "1");

    expect(code).toBe(2);
    expect(err).toContain("{sentence}");
    expect(err).toContain("--prompts FILE.jsonl");
  });

  test("prints what it has measured so far after Ctrl-C", async () => {
    server.answer = async ({ response }) => {
      await sleep(50);
      stream(response, 1);
    };
    const child = spawn(
      process.execPath,
      [
        ...["-r", "./swc-register.cjs", "commands/load.ts", "--rate", "30"],
        ...["--url", server.url, "--warm-up", "0.1", "--duration", "600"],
        ...["--chart", chart(), "--json", json()],
      ],
      { cwd: path.join(__dirname, ".."), stdio: ["ignore", "pipe", "pipe"] },
    );
    let out = "";
    child.stdout.on("data", (chunk) => (out += chunk));
    while (server.asked.length < 30) await sleep(20);
    child.kill("SIGINT");
    const code = await new Promise((done) => child.on("close", done));

    expect(code).toBe(130);
    expect(out).toMatch(/measured for [\d.]+ s, then stopped/);
    expect(out).toMatch(/\d+ arrivals, \d+ answers, 0 errors/);
    expect(existsSync(chart())).toBe(true);
    const { requests } = JSON.parse(readFileSync(json(), "utf8")) as LoadResult;
    expect(requests.answered + requests.cutOff).toBe(requests.arrived);
  }, 20_000);
});
