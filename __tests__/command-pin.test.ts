import {
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from "node:fs";
import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import path from "node:path";
import { type Http, http } from "../commands/http";
import { pin } from "../commands/pin";
import { parseImage } from "../commands/pin/base-image";
import { baseImages } from "../commands/pin/dockerfile";
import { setInJson } from "../commands/pin/json-text";
import { writeTogether } from "../commands/pin/write-together";

const DIGEST = `sha256:${"a".repeat(64)}`;
const COMMIT = "b".repeat(40);
const SETTINGS = `{
  "app": "x",
  "context": {
    "environments": {
      "dev": {
        "models": {
          "gemma": {
            "base": { "id": "google/gemma-2b",   "revision": "main" },
            "dataset": { "id": "gs://bucket/rows" }
          }
        }
      }
    }
  }
}
`;

let root: string;
let server: Server;
let local: string;
let answers: Record<string, [number, unknown, Record<string, string>?]>;
let requests: { line: string; authorization: string | undefined }[];

beforeEach(async () => {
  root = mkdtempSync(path.join(tmpdir(), "tuneserve-pin-"));
  mkdirSync(path.join(root, "trainer"));
  mkdirSync(path.join(root, "vllm"));
  write("cdktf.json", SETTINGS);
  write(
    "trainer/Dockerfile",
    "# python:3.12-slim\nFROM python:3.12-slim\nRUN x\n",
  );
  write(
    "vllm/Dockerfile",
    "ARG VLLM_IMAGE=vllm/vllm-openai:v0.32.0\nFROM ${VLLM_IMAGE}\n",
  );
  answers = {
    "HEAD /registry-1.docker.io/v2/library/python/manifests/3.12-slim": [
      200,
      "",
      { "docker-content-digest": DIGEST },
    ],
    "HEAD /registry-1.docker.io/v2/vllm/vllm-openai/manifests/v0.32.0": [
      200,
      "",
      { "docker-content-digest": DIGEST },
    ],
    "GET /hub/api/models/google/gemma-2b/revision/main": [200, { sha: COMMIT }],
  };
  requests = [];
  server = createServer((request, response) => {
    const { authorization } = request.headers;
    const line = `${request.method} ${request.url}`;
    requests.push({ line, authorization });
    const [status, body, headers] = answers[line] ?? [404, {}];
    response.writeHead(status, headers);
    response.end(typeof body === "string" ? body : JSON.stringify(body));
  });
  await new Promise<void>((done) => server.listen(0, "127.0.0.1", done));
  local = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
});

afterEach(async () => {
  server.closeAllConnections();
  await new Promise((done) => server.close(done));
  rmSync(root, { recursive: true, force: true });
});

const write = (file: string, text: string) =>
  writeFileSync(path.join(root, file), text);
const read = (file: string) => readFileSync(path.join(root, file), "utf8");

/** Other hosts become the first part of the path. */
const toLocalServer: Http = (url, request) =>
  http(fetch)(
    url.startsWith(local) ? url : url.replace("https:/", local),
    request,
  );

async function run(
  args: string[] = [],
  env: NodeJS.ProcessEnv = {},
): Promise<{ code: number; output: string }> {
  let output = "";
  const collect = (text: string) => (output += `${text}\n`) as never;
  jest.spyOn(console, "log").mockImplementation(collect);
  jest.spyOn(console, "error").mockImplementation(collect);
  try {
    const code = await pin(args, {
      env: { HF_ENDPOINT: `${local}/hub`, ...env },
      root,
      http: toLocalServer,
    });
    return { code, output };
  } finally {
    jest.restoreAllMocks();
  }
}

describe("npm run pin", () => {
  test("writes digests and commits, and leaves the rest as it is", async () => {
    const { code, output } = await run();
    expect(code).toBe(0);
    expect(output).toContain(`python:3.12-slim -> python:3.12-slim@${DIGEST}`);
    expect(output).toContain(`main -> ${COMMIT}`);
    expect(read("trainer/Dockerfile")).toBe(
      `# python:3.12-slim\nFROM python:3.12-slim@${DIGEST}\nRUN x\n`,
    );
    expect(read("vllm/Dockerfile")).toBe(
      `ARG VLLM_IMAGE=vllm/vllm-openai:v0.32.0@${DIGEST}\nFROM \${VLLM_IMAGE}\n`,
    );
    expect(read("cdktf.json")).toBe(
      SETTINGS.replace('"revision": "main"', `"revision": "${COMMIT}"`),
    );
  });

  test("changes nothing the second time", async () => {
    await run();
    const before = read("trainer/Dockerfile");
    const { code, output } = await run();
    expect(code).toBe(0);
    expect(output).toContain("Everything that can be pinned is.");
    expect(read("trainer/Dockerfile")).toBe(before);
  });

  test("replaces a digest when its tag has moved on", async () => {
    write(
      "trainer/Dockerfile",
      `FROM python:3.12-slim@sha256:${"0".repeat(64)}\n`,
    );
    await run();
    expect(read("trainer/Dockerfile")).toBe(
      `FROM python:3.12-slim@${DIGEST}\n`,
    );
  });

  test("only reports with --check", async () => {
    const { code, output } = await run(["--check"]);
    expect(code).toBe(1);
    expect(output).toContain(`main -> ${COMMIT}`);
    expect(read("cdktf.json")).toBe(SETTINGS);
  });

  test("gets an anonymous token where the registry asks for one", async () => {
    const line =
      "HEAD /registry-1.docker.io/v2/library/python/manifests/3.12-slim";
    const found = answers[line];
    const challenge =
      'Bearer realm="https://auth.docker.io/token",service="registry",scope="repository:library/python:pull"';
    answers[line] = [401, "", { "www-authenticate": challenge }];
    Object.defineProperty(
      answers,
      "GET /auth.docker.io/token?service=registry&scope=repository%3Alibrary%2Fpython%3Apull",
      {
        get: () => {
          if (found) answers[line] = found;
          return [200, { token: "anonymous" }];
        },
      },
    );
    expect((await run()).code).toBe(0);
    expect(requests.map(({ authorization }) => authorization)).toContain(
      "Bearer anonymous",
    );
  });

  test("fails when one thing is not resolved, and writes none", async () => {
    delete answers["GET /hub/api/models/google/gemma-2b/revision/main"];
    const { code, output } = await run();
    expect(code).toBe(1);
    expect(output).toContain("there is no google/gemma-2b with revision main");
    expect(output).toContain("Nothing was written");
    expect(read("trainer/Dockerfile")).not.toContain(DIGEST);
  });

  test.each([
    [{ sha: "main" }, "gave no commit"],
    [{}, "gave no commit"],
  ])(
    "fails when the Hub answers %j, and invents nothing",
    async (body, text) => {
      answers["GET /hub/api/models/google/gemma-2b/revision/main"] = [
        200,
        body,
      ];
      const { code, output } = await run();
      expect(code).toBe(1);
      expect(output).toContain(text);
      expect(read("cdktf.json")).toBe(SETTINGS);
    },
  );

  test("fails when it is offline, with a line for each thing", async () => {
    const offline: Http = (url) => {
      throw new Error(`${new URL(url).host} does not answer (ENOTFOUND)`);
    };
    let output = "";
    jest
      .spyOn(console, "error")
      .mockImplementation((text) => (output += `${text}\n`) as never);
    const code = await pin([], { env: {}, root, http: offline });
    jest.restoreAllMocks();
    expect(code).toBe(1);
    expect(output.trim().split("\n")).toEqual([
      "trainer/Dockerfile  base image python:3.12-slim: not resolved, registry-1.docker.io does not answer (ENOTFOUND)",
      "vllm/Dockerfile  base image vllm/vllm-openai:v0.32.0: not resolved, registry-1.docker.io does not answer (ENOTFOUND)",
      "cdktf.json  dev/gemma base google/gemma-2b main: not resolved, huggingface.co does not answer (ENOTFOUND)",
      "Nothing was written: everything is pinned together.",
    ]);
  });

  test("fails when a file cannot be replaced, and undoes the others", () => {
    const first = path.join(root, "cdktf.json");
    const folder = path.join(root, "trainer");
    const contents = new Map([
      [first, "new"],
      [folder, "no file"],
    ]);
    expect(() => writeTogether(contents)).toThrow("EISDIR");
    expect(read("cdktf.json")).toBe(SETTINGS);
    expect(readdirSync(root).sort()).toEqual(["cdktf.json", "trainer", "vllm"]);
  });

  test("sends the token to the Hub alone, and prints it nowhere", async () => {
    const { output } = await run([], { HF_TOKEN: "hf_canary" });
    const holders = requests.filter(({ authorization }) => authorization);
    expect(holders.map(({ line }) => line)).toEqual([
      "GET /hub/api/models/google/gemma-2b/revision/main",
    ]);
    expect(output).not.toContain("hf_canary");
  });
});

describe("base images of a Dockerfile", () => {
  test("are all pinned where an argument chooses between stages", () => {
    const text =
      "ARG BASE=new\nFROM v/openai:v1 AS new\nFROM v/openai:v1-cu129 AS old\nFROM ${BASE}\n";
    const [plain, variant, ...others] = baseImages("f", text, toLocalServer);

    expect(others).toEqual([]);
    expect(plain?.replace(text, `v/openai:v1@${DIGEST}`)).toBe(
      text.replace("v1 AS", `v1@${DIGEST} AS`),
    );
    expect(variant?.replace(text, `v/openai:v1-cu129@${DIGEST}`)).toBe(
      text.replace("v1-cu129 AS", `v1-cu129@${DIGEST} AS`),
    );
  });
});

describe("the name of an image", () => {
  test.each([
    ["python:3.12-slim", "registry-1.docker.io", "library/python", "3.12-slim"],
    ["vllm/vllm-openai", "registry-1.docker.io", "vllm/vllm-openai", "latest"],
    ["us-docker.pkg.dev/p/r/i:t", "us-docker.pkg.dev", "p/r/i", "t"],
    ["localhost:5000/i:t@sha256:0", "localhost:5000", "i", "t"],
  ])("%s", (image, host, repository, tag) => {
    expect(parseImage(image)).toMatchObject({ host, repository, tag });
  });

  test("of another stage, of scratch or with a digest alone is left alone", () => {
    const text =
      "FROM python:3 AS build\nFROM build\nFROM scratch\nFROM a/b@sha256:0\nFROM ${NONE}\n";
    const images = baseImages("Dockerfile", text, toLocalServer);
    expect(images.map(({ old }) => old)).toEqual(["python:3"]);
  });
});

describe("a string set in JSON", () => {
  test.each([
    ['{ "a": {"b": "x" } }', '{ "a": {"b": "NEW" } }'],
    ['{"a": {}}', '{"a": { "b": "NEW" }}'],
    ["{}", '{ "a": { "b": "NEW" } }'],
    [
      '{"a": {"c": [1, {"b": "no"}]}}',
      '{"a": {"c": [1, {"b": "no"}], "b": "NEW"}}',
    ],
    [
      '{\n  "a": {\n    "c": "}\\""\n  }\n}',
      '{\n  "a": {\n    "c": "}\\"",\n    "b": "NEW"\n  }\n}',
    ],
  ])("%j becomes %j", (before, after) => {
    expect(setInJson(before, ["a", "b"], "NEW")).toBe(after);
    expect(JSON.parse(after)).toBeDefined();
  });
});
