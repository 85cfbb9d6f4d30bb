import { type ChildProcess, spawn } from "node:child_process";
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  renameSync,
  rmSync,
  writeFileSync,
} from "node:fs";
import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import path from "node:path";
import { CommandError } from "../commands/command-line";
import { deploy } from "../commands/deploy";
import { destroy } from "../commands/destroy";
import { googleClient } from "../provision/google-client";

// A synthesis costs half a second. The tests that start a process have it.
jest.mock("../commands/synthesis", () => ({
  ...jest.requireActual<object>("../commands/synthesis"),
  synthesize: jest.fn(),
}));

/**
 * Writes down how it was called; answers as the files beside it say. A shell
 * starts sooner than Node, and there are hundreds of calls.
 */
const FAKE_TERRAFORM = `#!/bin/sh
log() { echo "$1" >> "$FAKE_LOG"; }
if [ "$1" = version ]; then
  echo "{\\"terraform_version\\":\\"\${FAKE_VERSION:-1.11.4}\\"}"
  exit 0
fi
listed() { list=; for each; do list="$list,\\"$each\\""; done; echo "[\${list#,}]"; }
directory="\${1#-chdir=}"
shift
env=
[ -z "\${HF_TOKEN+set}" ] || env="\\"HF_TOKEN\\":\\"$HF_TOKEN\\","
[ -z "\${TF_VAR_hf_token+set}" ] || env="$env\\"TF_VAR_hf_token\\":\\"$TF_VAR_hf_token\\","
log "{\\"args\\":$(listed "$@"),\\"env\\":{\${env%,}},\\"files\\":$(cd "$directory" && listed *)}"
case "$1 $2" in
  "state pull") cat "$FAKE_STATE" 2> /dev/null || echo ;;
  "state rm") exec node -e '
    const { readFileSync, writeFileSync } = require("fs");
    const file = process.env.FAKE_STATE;
    const state = JSON.parse(readFileSync(file, "utf8"));
    state.resources = state.resources.filter(({ type, name }) => type + "." + name !== process.argv.at(-1));
    writeFileSync(file, JSON.stringify(state));' -- "$@" ;;
esac
if [ "$1" = "$FAKE_SLOW" ]; then
  # A shell may lose a signal that comes between two of its commands.
  exec node -e '
    const { appendFileSync } = require("fs");
    let count = 0;
    process.on("SIGINT", () => {
      appendFileSync(process.env.FAKE_LOG, JSON.stringify({ signal: "SIGINT", count: ++count }) + "\\n");
      setTimeout(() => process.exit(1), 300);
    });
    console.log("fake terraform is applying");
    setTimeout(() => process.exit(9), 20_000);'
fi
[ "$1" != "$FAKE_FAILING" ] || exit 3
`;

const STACK = {
  provider: { google: [{ project: "proj-a", region: "us-central1" }] },
  resource: {
    google_storage_bucket: {
      "models-1": { name: "proj-a-models", location: "us-central1" },
      sources: { name: "proj-a-sources", location: "us-central1" },
    },
    google_cloud_run_v2_job: {
      job: {
        template: {
          template: {
            volumes: [
              {
                name: "m",
                gcs: { bucket: "${google_storage_bucket.models-1.name}" },
              },
            ],
          },
        },
      },
    },
  },
};

const state = (...addresses: string[]) =>
  JSON.stringify({
    resources: addresses.map((address) => {
      const [type, name] = address.split(".");
      return { mode: "managed", type, name, instances: [{ attributes: {} }] };
    }),
  });

interface Call {
  readonly args?: string[];
  readonly env?: Record<string, string>;
  readonly files?: string[];
  readonly signal?: string;
}

jest.setTimeout(30_000);

let root: string;
let server: Server;
/** Answers of the local Google: path below the host to status and body. */
let answers: Record<string, [number, object]>;
let requests: string[];
let children: ChildProcess[];

beforeEach(async () => {
  root = mkdtempSync(path.join(tmpdir(), "tuneserve-deploy-"));
  mkdirSync(path.join(root, "bin"));
  const fake = path.join(root, "bin", "terraform");
  writeFileSync(fake, FAKE_TERRAFORM, { mode: 0o755 });
  synthesizes("dev");
  answers = {};
  requests = [];
  children = [];
  server = createServer((request, response) => {
    const key = `${request.method} ${request.url}`;
    requests.push(key);
    const [status, body] = answers[key] ?? [404, { error: { code: 404 } }];
    response.writeHead(status, { "content-type": "application/json" });
    response.end(JSON.stringify(body));
  });
  await new Promise<void>((done) => server.listen(0, "127.0.0.1", done));
});

afterEach(async () => {
  children.forEach((child) => child.kill("SIGKILL"));
  await new Promise((done) => server.close(done));
  rmSync(root, { recursive: true, force: true });
});

function synthesizes(...environments: string[]): void {
  const stacks = Object.fromEntries(
    environments.map((name) => [
      name,
      { name, workingDirectory: `stacks/${name}` },
    ]),
  );
  for (const name of environments) {
    const directory = path.join(root, "cdktf.out/stacks", name);
    mkdirSync(directory, { recursive: true });
    writeFileSync(path.join(directory, "cdk.tf.json"), JSON.stringify(STACK));
  }
  writeFileSync(
    path.join(root, "cdktf.out/manifest.json"),
    JSON.stringify({ version: "0.21.0", stacks }),
  );
  writeFileSync(
    path.join(root, "main.ts"),
    `import { renameSync } from "node:fs";
    if (process.env["BROKEN"]) { console.error("settings: region is 'mars'"); process.exit(1); }
    if (process.env["HF_TOKEN"]) throw new Error("the synthesis saw the token");
    renameSync("synthesized", "cdktf.out");`,
  );
}

function environment(extra: NodeJS.ProcessEnv = {}): NodeJS.ProcessEnv {
  const { port } = server.address() as AddressInfo;
  return {
    PATH: `${path.join(root, "bin")}:${process.env["PATH"]}`,
    HOME: root,
    FAKE_LOG: path.join(root, "calls"),
    FAKE_STATE: path.join(root, "state.json"),
    GOOGLE_OAUTH_ACCESS_TOKEN: "fake",
    GOOGLE_STORAGE_CUSTOM_ENDPOINT: `http://127.0.0.1:${port}/storage/v1/`,
    GOOGLE_RESOURCE_MANAGER_CUSTOM_ENDPOINT: `http://127.0.0.1:${port}/rm/v1/`,
    ...extra,
  };
}

const commandLine = (command: string, args: string[]) => [
  process.execPath,
  "-r",
  require.resolve("../swc-register.cjs"),
  path.join(__dirname, "..", "commands", `${command}.ts`),
  ...args,
];

/** Leaves it to main.ts to put the stack in place. */
function unsynthesize(): void {
  renameSync(path.join(root, "cdktf.out"), path.join(root, "synthesized"));
}

function start(command: string, args: string[], extra?: NodeJS.ProcessEnv) {
  unsynthesize();
  const [program = "", ...rest] = commandLine(command, args);
  const child = spawn(program, rest, { cwd: root, env: environment(extra) });
  children.push(child);
  let output = "";
  child.stdin.end();
  child.stdout.on("data", (text) => (output += text));
  child.stderr.on("data", (text) => (output += text));
  const ended = new Promise<{ code: number | null; output: string }>((done) =>
    child.once("close", (code) => done({ code, output })),
  );
  const says = async (text: string) => {
    while (!output.includes(text) && child.exitCode === null) {
      await new Promise((done) => setTimeout(done, 20));
    }
  };
  return { child, ended, says };
}

const COMMANDS = { deploy, destroy };

/** In this process, as a new one costs most of a second. */
async function run(
  command: keyof typeof COMMANDS,
  args: string[],
  extra?: NodeJS.ProcessEnv,
): Promise<{ code: number; output: string }> {
  let output = "";
  const collect = (text: string) => (output += `${text}\n`);
  jest.spyOn(console, "log").mockImplementation(collect);
  jest.spyOn(console, "error").mockImplementation(collect);
  try {
    const env = environment(extra);
    // Jest's virtual machine cannot import node-fetch, the client's default.
    const google = googleClient(env, { fetchImplementation: fetch });
    const code = await COMMANDS[command](args, { env, root, google });
    return { code, output };
  } catch (error) {
    if (!(error instanceof CommandError)) throw error;
    return { code: error.exitCode, output: output + error.message };
  } finally {
    jest.restoreAllMocks();
  }
}

/** Python can open a terminal, which Node cannot. */
const TERMINAL = `import os, pty, sys
when, text = sys.argv[1].encode(), sys.argv[2].encode()
pid, fd = pty.fork()
if pid == 0:
    os.execvp(sys.argv[3], sys.argv[3:])
seen = b""
typed = False
while True:
    try:
        data = os.read(fd, 4096)
    except OSError:
        break
    if not data:
        break
    seen += data
    if when in seen and not typed:
        typed = True
        os.write(fd, text)
sys.stdout.write(seen.decode())
sys.stdout.flush()
sys.exit(os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]))`;

/** Runs a command on a terminal, and types once it has said something. */
async function onTerminal(
  command: string,
  args: string[],
  { when, type }: { when: string; type: string },
  extra?: NodeJS.ProcessEnv,
): Promise<{ code: unknown; output: string }> {
  unsynthesize();
  const child = spawn(
    "python3",
    ["-c", TERMINAL, when, type, ...commandLine(command, args)],
    { cwd: root, env: environment(extra) },
  );
  children.push(child);
  let output = "";
  child.stdout.on("data", (text) => (output += text));
  const code = await new Promise((done) => child.once("close", done));
  return { code, output };
}

function calls(): Call[] {
  const file = path.join(root, "calls");
  return existsSync(file)
    ? readFileSync(file, "utf8")
        .trim()
        .split("\n")
        .map((line) => JSON.parse(line))
    : [];
}

const commands = () =>
  calls().flatMap(({ args }) => (args ? [args.join(" ")] : []));

describe("npm run deploy", () => {
  test("synthesizes, initializes and applies", async () => {
    const { code } = await run("deploy", ["--auto-approve"]);
    expect(code).toBe(0);
    expect(commands()).toEqual([
      "init -input=false -no-color",
      "state pull",
      "apply -input=false -auto-approve -no-color",
    ]);
  });

  test("hands HF_TOKEN on as the stack's variable and prints it nowhere", async () => {
    const { output } = await run("deploy", ["--auto-approve"], {
      HF_TOKEN: "hf_canary",
    });
    const apply = calls().find(({ args }) => args?.[0] === "apply");
    expect(apply?.env).toEqual({ TF_VAR_hf_token: "hf_canary" });
    expect(output).not.toContain("hf_canary");
    expect(JSON.stringify(commands())).not.toContain("hf_canary");
  });

  test("prefers TF_VAR_hf_token where both are set", async () => {
    await run("deploy", ["--auto-approve"], {
      HF_TOKEN: "other",
      TF_VAR_hf_token: "chosen",
    });
    const apply = calls().find(({ args }) => args?.[0] === "apply");
    expect(apply?.env).toEqual({ TF_VAR_hf_token: "chosen" });
  });

  test("ends with Terraform's exit code and says that it can go on", async () => {
    const { code, output } = await run("deploy", ["--auto-approve"], {
      FAKE_FAILING: "apply",
    });
    expect(code).toBe(3);
    expect(output).toContain("npm run deploy goes on from there");
  });

  test("says what to do when the token expired meanwhile", async () => {
    answers["GET /rm/v1/projects/proj-a"] = [401, { error: { code: 401 } }];
    const { output } = await run("deploy", ["--auto-approve"], {
      FAKE_FAILING: "apply",
    });
    expect(output).toContain("export GOOGLE_OAUTH_ACCESS_TOKEN=$(gcloud");
  });

  test("applies nothing when the initialization failed", async () => {
    const { code } = await run("deploy", ["--auto-approve"], {
      FAKE_FAILING: "init",
    });
    expect(code).toBe(3);
    expect(commands()).toHaveLength(1);
  });

  test("fails when there is no terminal and no approval, before anything runs", async () => {
    const { code, output } = await start("deploy", []).ended;
    expect(code).toBe(2);
    expect(output.trim()).toBe(
      "There is no terminal to ask on: approve beforehand with npm run deploy -- --auto-approve.",
    );
    expect(commands()).toEqual([]);
  });

  test("fails when an option is misspelt and names the one that was meant", async () => {
    const { code, output } = await run("deploy", ["--auto-aprove"]);
    expect(code).toBe(2);
    expect(output.trim()).toBe(
      "Unknown option --auto-aprove. Did you mean --auto-approve? See npm run deploy -- --help.",
    );
  });

  test("fails when the settings are bad, with the message of main.ts", async () => {
    const { code, output } = await start("deploy", ["--auto-approve"], {
      BROKEN: "1",
    }).ended;
    expect(code).toBe(1);
    expect(output).toContain("settings: region is 'mars'");
    expect(output).not.toContain("    at ");
    expect(commands()).toEqual([]);
  });

  test("fails when Terraform is missing", async () => {
    const { code, output } = await run("deploy", ["--auto-approve"], {
      TERRAFORM_BINARY_NAME: "no-such-terraform",
    });
    expect(code).toBe(1);
    expect(output.trim().split("\n")).toEqual([
      expect.stringContaining("no 'no-such-terraform' on the PATH"),
    ]);
  });

  test.each([
    ["1.10.9", 1],
    ["0.15.0", 1],
    ["1.11.0", 0],
    ["2.0.0", 0],
  ])("judges Terraform %s: exit %i", async (version, expected) => {
    const { code, output } = await run("deploy", ["--auto-approve"], {
      FAKE_VERSION: version,
    });
    expect(code).toBe(expected);
    expect(output.includes(`is version ${version}, which is too old`)).toBe(
      expected === 1,
    );
  });

  test("fails when several environments exist and none is chosen, and lists them", async () => {
    synthesizes("dev", "prod");
    const { code, output } = await run("deploy", ["--auto-approve"]);
    expect(code).toBe(2);
    expect(output).toContain("--environment: dev, prod.");
    const chosen = await run("deploy", [
      "--auto-approve",
      "--environment",
      "prod",
    ]);
    expect(chosen.code).toBe(0);
    const wrong = await run("deploy", ["--auto-approve", "--environment=prd"]);
    expect(wrong.output).toContain("Did you mean prod?");
  });
});

describe("npm run deploy after npm run destroy", () => {
  test("takes an own bucket over that the state lacks", async () => {
    answers = {
      "GET /storage/v1/b/proj-a-models": [
        200,
        { projectNumber: "123", location: "US-CENTRAL1" },
      ],
      "GET /rm/v1/projects/proj-a": [200, { projectNumber: "123" }],
    };
    const { code, output } = await run("deploy", ["--auto-approve"]);
    expect(code).toBe(0);
    expect(output).toContain("takes it over");
    const apply = calls().find(({ args }) => args?.[0] === "apply");
    expect(apply?.files).toEqual(["cdk.tf.json", "imports.tf.json"]);
    const left = path.join(root, "cdktf.out/stacks/dev/imports.tf.json");
    expect(existsSync(left)).toBe(false);
  });

  test("asks nobody about a bucket that the state has", async () => {
    writeFileSync(
      path.join(root, "state.json"),
      state("google_storage_bucket.models-1"),
    );
    await run("deploy", ["--auto-approve"]);
    expect(requests).toEqual([]);
  });

  test("fails when the bucket lies in another region, where Terraform would replace it", async () => {
    answers = {
      "GET /storage/v1/b/proj-a-models": [
        200,
        { projectNumber: "123", location: "EUROPE-WEST4" },
      ],
      "GET /rm/v1/projects/proj-a": [200, { projectNumber: "123" }],
    };
    const { code, output } = await run("deploy", ["--auto-approve"]);
    expect(code).toBe(1);
    expect(output).toContain("in europe-west4 and not in us-central1");
    expect(commands()).toEqual(["init -input=false -no-color", "state pull"]);
  });

  test("fails when the bucket belongs to another project, before Terraform applies", async () => {
    answers = {
      "GET /storage/v1/b/proj-a-models": [200, { projectNumber: "999" }],
      "GET /rm/v1/projects/proj-a": [200, { projectNumber: "123" }],
    };
    const { code, output } = await run("deploy", ["--auto-approve"]);
    expect(code).toBe(1);
    expect(output).toContain("'proj-a-models' is taken outside project proj-a");
    expect(commands()).not.toContain(
      "apply -input=false -auto-approve -no-color",
    );
  });
});

describe("a deployment that is interrupted", () => {
  const interruptedBy = async (signal: NodeJS.Signals) => {
    const { child, ended, says } = start("deploy", ["--auto-approve"], {
      FAKE_SLOW: "apply",
      HF_TOKEN: "hf_canary",
    });
    await says("fake terraform is applying");
    child.kill(signal);
    child.kill(signal);
    return ended;
  };

  test.each(["SIGINT", "SIGTERM"] as const)(
    "waits for Terraform, which gets one SIGINT for two %s",
    async (signal) => {
      const { code, output } = await interruptedBy(signal);
      expect(code).toBe(1);
      expect(output).toContain("It is safe to run npm run deploy again");
      expect(calls().filter((call) => call.signal)).toEqual([
        { signal: "SIGINT", count: 1 },
      ]);
    },
  );

  test("survives Ctrl-C on a terminal, where Terraform gets it directly", async () => {
    const { code, output } = await onTerminal(
      "deploy",
      [],
      { when: "is applying", type: "\u0003" },
      { FAKE_SLOW: "apply" },
    );
    expect(output).toContain("It is safe to run npm run deploy again");
    expect(code).toBe(1);
    expect(calls().filter((call) => call.signal)).toHaveLength(1);
    expect(commands()).toContain("apply");
  });
});

describe("npm run destroy", () => {
  const BUCKET = "google_storage_bucket.models-1";
  const deployed = () =>
    writeFileSync(
      path.join(root, "state.json"),
      state(BUCKET, "google_storage_bucket.sources", "null_resource.run"),
    );

  test("takes the models' bucket out of the state before it destroys the rest", async () => {
    deployed();
    const { code, output } = await run("destroy", ["--auto-approve"]);
    expect(code).toBe(0);
    expect(commands()).toEqual([
      "init -input=false -no-color",
      "state pull",
      `state rm ${BUCKET}`,
      "destroy -auto-approve -input=false -no-color",
    ]);
    expect(output).toContain("Goes:  2 resources");
    expect(output).toContain("gs://proj-a-models");
    expect(output).toContain(
      "gcloud storage rm --recursive gs://proj-a-models",
    );
    expect(output).not.toContain("Stays: the bucket gs://proj-a-sources");
  });

  test("goes on where an interrupted one stopped", async () => {
    deployed();
    const failed = await run("destroy", ["--auto-approve"], {
      FAKE_FAILING: "destroy",
    });
    expect(failed.code).toBe(3);
    expect(failed.output).toContain("safe to run npm run destroy again");
    const { code } = await run("destroy", ["--auto-approve"]);
    expect(code).toBe(0);
    const removals = commands().filter((line) => line.startsWith("state rm"));
    expect(removals).toHaveLength(1);
  });

  test("goes ahead where the bucket was never made, and promises none", async () => {
    writeFileSync(path.join(root, "state.json"), state("null_resource.run"));
    const { code, output } = await run("destroy", ["--auto-approve"]);
    expect(code).toBe(0);
    expect(output).toContain("Goes:  1 resource\n");
    expect(output).not.toContain("proj-a-models");
  });

  test.each([
    ["yes\r", 0],
    ["no\r", 1],
    ["\u0003", 1],
    ["\u0004", 1],
  ])("asks on a terminal; %j ends with %i", async (typed, expected) => {
    deployed();
    const { code, output } = await onTerminal("destroy", [], {
      when: "to go on:",
      type: typed,
    });
    expect(code).toBe(expected);
    expect(output.includes("Nothing was changed")).toBe(expected === 1);
    expect(commands().some((line) => line.startsWith("state rm"))).toBe(
      expected === 0,
    );
  });

  test("says so when nothing is deployed", async () => {
    const { code, output } = await run("destroy", ["--auto-approve"]);
    expect(code).toBe(0);
    expect(output.trim()).toBe("Nothing is deployed in environment dev.");
    expect(commands()).not.toContain(
      "destroy -auto-approve -input=false -no-color",
    );
  });

  test("fails when there is no terminal and no approval", async () => {
    deployed();
    const { code, output } = await start("destroy", []).ended;
    expect(code).toBe(2);
    expect(output).toContain("npm run destroy -- --auto-approve");
    expect(commands()).toEqual([]);
  });

  test("deletes the models last of all, each version by its number, when asked", async () => {
    deployed();
    const objects = "/storage/v1/b/proj-a-models/o";
    const fields = "fields=nextPageToken%2Citems%28name%2Cgeneration%2Csize%29";
    answers = {
      "GET /storage/v1/b/proj-a-models": [
        200,
        { projectNumber: "123", location: "US-CENTRAL1" },
      ],
      "GET /rm/v1/projects/proj-a": [200, { projectNumber: "123" }],
      [`GET ${objects}?versions=true&${fields}`]: [
        200,
        {
          items: [
            { name: "m/abc/_SUCCESS", generation: "1", size: "0" },
            {
              name: "m/abc/model.safetensors",
              generation: "2",
              size: "5000000000",
            },
          ],
        },
      ],
      [`DELETE ${objects}/m%2Fabc%2F_SUCCESS?generation=1`]: [200, {}],
      "DELETE /storage/v1/b/proj-a-models": [200, {}],
    };
    const { code, output } = await run("destroy", [
      "--with-models",
      "--auto-approve",
    ]);
    expect(output).toContain("Trained models that are lost: m/abc");
    expect(output).toContain("5.0 GB");
    expect(code).toBe(0);
    const deletions = requests.filter((line) => line.startsWith("DELETE"));
    expect(deletions.slice(0, 2).sort()).toEqual([
      `DELETE ${objects}/m%2Fabc%2F_SUCCESS?generation=1`,
      `DELETE ${objects}/m%2Fabc%2Fmodel.safetensors?generation=2`,
    ]);
    expect(deletions.at(-1)).toBe("DELETE /storage/v1/b/proj-a-models");
  });
});
