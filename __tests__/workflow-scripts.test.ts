import { spawn } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import path from "node:path";
import { LONGEST_REPORT } from "../gates/report-markdown";
import { GITHUB } from "./workflow";

interface Call {
  readonly method: string;
  readonly path: string;
  readonly body:
    | { readonly body?: string; readonly state?: string }
    | undefined;
}

interface Entry {
  readonly id: number;
  readonly number: number;
  readonly user: { readonly login: string };
  readonly body: string;
}

const folder = mkdtempSync(path.join(tmpdir(), "tuneserve-github-"));
const file = (text: string) => {
  const name = path.join(folder, "said.md");
  writeFileSync(name, text);
  return name;
};

let server: Server;
let calls: Call[];
/** What there is already: comments, or open issues. */
let entries: Entry[];

beforeAll((done) => {
  server = createServer((request, response) => {
    let text = "";
    request.on("data", (part) => (text += part));
    request.on("end", () => {
      const url = new URL(request.url ?? "", "http://github");
      const method = request.method ?? "";
      if (request.headers.authorization !== "Bearer token") {
        response.writeHead(401).end("{}");
        return;
      }
      calls.push({
        method,
        path: url.pathname,
        body: text === "" ? undefined : JSON.parse(text),
      });
      const page = Number(url.searchParams.get("page"));
      const answer =
        method === "GET" ? entries.slice(100 * (page - 1), 100 * page) : {};
      response.end(JSON.stringify(answer));
    });
  }).listen(0, "127.0.0.1", done);
});
beforeEach(() => {
  calls = [];
  entries = [];
});
afterAll(() => {
  server.close();
  rmSync(folder, { recursive: true });
});

function run(script: string, argument: string): Promise<number> {
  const { port } = server.address() as AddressInfo;
  const child = spawn(
    process.execPath,
    [path.join(GITHUB, "scripts", script), argument],
    {
      stdio: "ignore",
      env: {
        PATH: process.env["PATH"],
        GITHUB_API_URL: `http://127.0.0.1:${port}`,
        GITHUB_SERVER_URL: "https://github.example",
        GITHUB_REPOSITORY: "octo/repo",
        GITHUB_RUN_ID: "7",
        GITHUB_TOKEN: "token",
        PULL_REQUEST: "5",
        TUNESERVE_ENVIRONMENT: "dev",
      },
    },
  );
  return new Promise((resolve) =>
    child.on("exit", (code) => resolve(code ?? -1)),
  );
}

const BOT = "github-actions[bot]";
const entry = (id: number, login: string, body: string): Entry => ({
  id,
  number: id,
  user: { login },
  body,
});
const changes = () => calls.filter(({ method }) => method !== "GET");

describe("the comment on a pull request", () => {
  const MARKER = "<!-- tuneserve gate: dev -->\n";

  test("is written once, with what the gate said", async () => {
    expect(await run("comment.mjs", file("## Plan gate: passed"))).toBe(0);

    expect(changes()).toMatchObject([
      { method: "POST", path: "/repos/octo/repo/issues/5/comments" },
    ]);
    const body = changes()[0]?.body?.body ?? "";
    expect(body.startsWith(`${MARKER}## Plan gate: passed`)).toBe(true);
    expect(body).toContain("https://github.example/octo/repo/actions/runs/7");
  });

  test("is renewed, also when it is on the second page", async () => {
    entries = Array.from({ length: 100 }, (_, i) => entry(i, "ada", "hello"));
    entries.push(entry(123, BOT, `${MARKER}old`));
    await run("comment.mjs", file("new"));

    expect(changes()).toMatchObject([
      { method: "PATCH", path: "/repos/octo/repo/issues/comments/123" },
    ]);
  });

  test("leaves comments of others alone, whatever they begin with", async () => {
    entries = [
      entry(1, "mallory", `${MARKER}mine`),
      entry(2, BOT, "another workflow's"),
    ];
    await run("comment.mjs", file("new"));

    expect(changes()).toMatchObject([{ method: "POST" }]);
  });

  test("fits, however much there is to say", async () => {
    await run("comment.mjs", file("x".repeat(100_000)));

    const body = changes()[0]?.body?.body ?? "";
    expect(body.length).toBeLessThanOrEqual(65_536);
    expect(body).toContain("(cut off here)");
    expect(body).toContain("The whole log");
  });

  test("keeps the end of the longest report, where it is counted what is missing", async () => {
    const end = "3 of 9 parts do not fit";
    const report = `${"x".repeat(LONGEST_REPORT - end.length)}${end}`;
    await run("comment.mjs", file(report));

    expect(changes()[0]?.body?.body).toContain(report);
  });

  test.each([
    ["is missing", () => path.join(folder, "none.md")],
    ["is empty", () => file("")],
  ])("says that there is no plan when the report %s", async (_, report) => {
    await run("comment.mjs", report());

    expect(changes()[0]?.body?.body).toContain("The plan failed");
  });
});

describe("the issue about drift", () => {
  const MARKER = "<!-- tuneserve drift: dev -->\n";

  test("is opened when something differs", async () => {
    expect(await run("drift-issue.mjs", file("- `a.b`: `name`\n"))).toBe(0);

    expect(changes()).toMatchObject([
      { method: "POST", path: "/repos/octo/repo/issues" },
    ]);
    expect(changes()[0]?.body?.body).toContain("- `a.b`: `name`");
  });

  test("is renewed while it differs, and closed when nothing does", async () => {
    entries = [entry(9, BOT, `${MARKER}old`)];
    await run("drift-issue.mjs", file("- `a.b` is gone\n"));
    await run("drift-issue.mjs", file(""));

    expect(changes()).toMatchObject([
      { method: "PATCH", path: "/repos/octo/repo/issues/9" },
      {
        method: "PATCH",
        path: "/repos/octo/repo/issues/9",
        body: { state: "closed" },
      },
    ]);
  });

  test("is not opened for nothing", async () => {
    await run("drift-issue.mjs", file("\n"));

    expect(changes()).toEqual([]);
  });
});
