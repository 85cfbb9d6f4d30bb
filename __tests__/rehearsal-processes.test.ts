import { type ChildProcess, spawn, spawnSync } from "node:child_process";
import { existsSync, mkdtempSync, readFileSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { LocalProcess } from "../rehearsal/local-process";

const ROOT = resolve(__dirname, "..");

const folder = () => mkdtempSync(join(tmpdir(), "rehearsal-"));

async function content(file: string): Promise<string> {
  for (let tries = 0; tries < 200; tries++) {
    if (existsSync(file) && readFileSync(file, "utf8").endsWith("\n")) {
      return readFileSync(file, "utf8").trim();
    }
    await sleep(50);
  }
  throw new Error(`${file} did not appear`);
}

/** Whether a process is there and no zombie. */
function alive(pid: number): boolean {
  try {
    return !/^State:\s*Z/m.test(readFileSync(`/proc/${pid}/status`, "utf8"));
  } catch {
    return false;
  }
}

async function gone(pid: number): Promise<boolean> {
  for (let tries = 0; tries < 160 && alive(pid); tries++) {
    await sleep(50);
  }
  return !alive(pid);
}

function start(script: string, log: string): LocalProcess {
  return new LocalProcess({
    name: "trainer",
    command: ["sh", "-c", script],
    folder: tmpdir(),
    environment: { PATH: process.env.PATH ?? "" },
    log,
  });
}

describe("a local process", () => {
  test("tells its exit code and keeps what it printed", async () => {
    const one = start("echo one; echo two >&2; exit 3", join(folder(), "log"));
    expect(await one.ended).toBe(3);
    expect(one.output).toBe("one\ntwo\n");
  });

  test("fails with the last 20 lines of its log", async () => {
    const log = join(folder(), "log");
    const one = start("seq 1 30; exit 2", log);
    const { message } = one.failure(await one.ended);
    expect(message).toContain("The trainer ended with exit code 2");
    expect(message).toContain(log);
    expect(message).toContain("\n  11\n");
    expect(message).not.toContain("\n  10\n");
  });

  test("fails with the messages of structured lines, as Cloud Logging shows them", async () => {
    const entry = JSON.stringify({ message: "step 1 of 2", severity: "INFO" });
    const one = start(
      `echo '${entry}'; echo '{"a": 1}'; exit 1`,
      join(folder(), "log"),
    );
    expect(one.failure(await one.ended).message).toMatch(
      /\n {2}step 1 of 2\n {2}\{"a": 1\}$/,
    );
  });

  test("ends with all that it has started", async () => {
    const file = join(folder(), "pid");
    const one = start(
      `sleep 60 & echo $! > ${file}; wait`,
      join(folder(), "log"),
    );
    const grandchild = Number(await content(file));
    expect(alive(grandchild)).toBe(true);
    await one.stop();
    expect(await gone(grandchild)).toBe(true);
  });

  test("is killed when it takes no notice of SIGTERM", async () => {
    const file = join(folder(), "pid");
    const one = start(
      `trap '' TERM; echo $$ > ${file}; while :; do sleep 0.1; done`,
      join(folder(), "log"),
    );
    const pid = Number(await content(file));
    await one.stop();
    expect(await gone(pid)).toBe(true);
  }, 15_000);

  test("fails when its program is not there", async () => {
    const one = new LocalProcess({
      name: "trainer",
      command: ["/no/such/program"],
      folder: tmpdir(),
      environment: {},
      log: join(folder(), "log"),
    });
    await expect(one.ended).rejects.toThrow("ENOENT");
  });
});

describe("a rehearsal that is asked to end", () => {
  /** A process as rehearse.ts is one, with a child and a grandchild. */
  async function rehearsing(): Promise<{
    readonly parent: ChildProcess;
    readonly grandchild: number;
  }> {
    const here = folder();
    const script = join(here, "parent.ts");
    writeFileSync(
      script,
      `const { LocalProcess, endProcessesWithThisOne } = require(${JSON.stringify(join(ROOT, "rehearsal/local-process"))});
       endProcessesWithThisOne();
       new LocalProcess({ name: "x", command: ["sh", "-c", "sleep 60 & echo $! > pid; wait"], folder: ${JSON.stringify(here)}, environment: { PATH: process.env.PATH }, log: ${JSON.stringify(join(here, "log"))} });
       setInterval(() => {}, 1000);`,
    );
    const parent = spawn(
      process.execPath,
      ["-r", "./swc-register.cjs", script],
      { cwd: ROOT, stdio: "ignore" },
    );
    return { parent, grandchild: Number(await content(join(here, "pid"))) };
  }

  test.each(["SIGINT", "SIGTERM", "SIGHUP"] as const)(
    "by %s leaves no process behind",
    async (signal) => {
      const { parent, grandchild } = await rehearsing();
      const code = new Promise((resolve) => parent.on("exit", resolve));
      parent.kill(signal);
      expect(await code).toBe(
        { SIGINT: 130, SIGTERM: 143, SIGHUP: 129 }[signal],
      );
      expect(await gone(grandchild)).toBe(true);
    },
    20_000,
  );
});

describe("the command line of a rehearsal", () => {
  const rehearse = (...args: string[]) =>
    spawnSync(
      process.execPath,
      ["-r", "./swc-register.cjs", "rehearsal/rehearse.ts", ...args],
      { cwd: ROOT, encoding: "utf8" },
    );

  test("fails when an option is mistyped, in one line that names the right one", () => {
    const { status, stderr } = rehearse("--kep");
    expect(status).toBe(2);
    expect(stderr.trim().split("\n")).toHaveLength(1);
    expect(stderr).toContain("Did you mean --keep?");
  });

  test("fails when a server is to stay up of a stack that is destroyed at the end", () => {
    const { status, stderr } = rehearse("--keep", "--terraform", "stub");
    expect(status).toBe(2);
    expect(stderr).toContain("allowed: --terraform off");
  });

  test("fails when the seed is no number", () => {
    const { status, stderr } = rehearse("--seed", "one");
    expect(status).toBe(2);
    expect(stderr).toContain('--seed got "one"; allowed: a whole number');
  });
});
