import { spawn, spawnSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";

const COMMAND = resolve(__dirname, "../rehearsal/cloud/tuneserve-cloud.mjs");

/** Runs the command until it ends, or until its last line is printed and `then` ended it. */
function run(
  args: readonly string[],
  then?: (output: string, kill: () => void) => void,
): Promise<{ code: number | null; output: string; said: string }> {
  return new Promise((done) => {
    const child = spawn(process.execPath, [COMMAND, ...args]);
    let output = "";
    let said = "";
    child.stdout.on("data", (chunk: Buffer) => {
      output += chunk.toString();
      if (output.includes("CLOUDSDK_CORE_PROJECT=")) {
        then?.(output, () => child.kill("SIGINT"));
      }
    });
    child.stderr.on("data", (chunk: Buffer) => (said += chunk.toString()));
    child.on("close", (code) => done({ code, output, said }));
  });
}

describe("tuneserve-cloud", () => {
  test("prints an environment that a shell takes, and ends with Ctrl-C", async () => {
    const { code, output } = await run(["--port", "0"], (_output, kill) =>
      kill(),
    );

    expect(code).toBe(130);
    for (const line of output.trimEnd().split("\n")) {
      expect(line).toMatch(/^export [A-Z0-9_]+=[\w.:/@-]+$/);
    }
    expect(output).toContain(
      "export GOOGLE_CLOUD_RUN_V2_CUSTOM_ENDPOINT=http://127.0.0.1:",
    );
    // With it, Terraform's GCS backend would send no token.
    expect(output).not.toContain("STORAGE_EMULATOR_HOST");
  }, 30_000);

  test("writes a key file that its environment names, quoted where a shell needs it", async () => {
    const folder = mkdtempSync(join(tmpdir(), "tuneserve key's-"));
    const file = join(folder, "key.json");
    const { output } = await run(
      ["--port", "0", "--key-file", file],
      (_output, kill) => kill(),
    );
    const shell = spawnSync(
      "sh",
      ["-c", `${output}printf %s "$GOOGLE_APPLICATION_CREDENTIALS"`],
      { encoding: "utf8" },
    );

    expect(shell.stdout).toBe(file);
    expect(JSON.parse(readFileSync(file, "utf8"))).toMatchObject({
      type: "service_account",
      client_email: "deployer@local-project.iam.gserviceaccount.com",
    });
    expect(output).not.toContain("GOOGLE_OAUTH_ACCESS_TOKEN");
    rmSync(folder, { recursive: true });
  }, 30_000);

  test("fails when the port is taken, and says what to do", async () => {
    const server = createServer();
    await new Promise<void>((ready) => server.listen(0, "127.0.0.1", ready));
    const { port } = server.address() as AddressInfo;
    const { code, said } = await run(["--port", String(port)]);
    server.close();

    expect(code).toBe(1);
    expect(said.trim()).toBe(
      `Port ${port} is taken: end what listens there, or take another one: --port ${port + 1}, or --port 0 for any that is free.`,
    );
  }, 30_000);

  test.each([
    [["--containers", "docker"], "allowed: processes, stub"],
    [["--project", "P"], "--project got 'P'"],
    [["--iam-delay", "soon"], "--iam-delay got 'soon'"],
    [["--gpu-quota", "many"], "--gpu-quota got 'many'"],
    [
      ["--port", "0", "--key-file", "/nowhere/key.json"],
      "allowed: a file that can be written",
    ],
    [["--fault", "run=burn"], "--fault got 'run=burn'"],
  ])(
    "fails when the command line is %j",
    async (args, message) => {
      const { code, said } = await run(args);

      expect(code).toBe(2);
      expect(said).toContain(message);
    },
    30_000,
  );
});
