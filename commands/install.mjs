// Every npm script begins with this file: it checks Node and brings node_modules in line with
// package-lock.json, so that a fresh clone needs no `npm install` by hand.
// Plain JavaScript on Node's own modules only: it runs before anything is installed.
import { spawn } from "node:child_process";
import { createHash } from "node:crypto";
import {
  existsSync,
  linkSync,
  lstatSync,
  readFileSync,
  readlinkSync,
  rmSync,
  writeFileSync,
} from "node:fs";
import { constants } from "node:os";
import { setTimeout as sleep } from "node:timers/promises";
import { fileURLToPath } from "node:url";

// Measured with an empty npm cache on 2026-11-30: what npm stores packed, and node_modules.
const DOWNLOAD_MB = 360;
const DISK_MB = 1130;

const root = fileURLToPath(new URL("../", import.meta.url));
const modules = `${root}node_modules`;
const stamp = `${modules}/.tuneserve-lock`;
const running = `${root}.tuneserve-installing`;

/** Stops with one readable line instead of a stack trace. */
function stop(message) {
  console.error(`tuneserve: ${message}`);
  process.exit(1);
}

function checkNode() {
  const [major, minor] = process.versions.node.split(".").map(Number);
  const supported =
    (major === 20 && minor >= 9) || major === 21 || major === 22;
  if (!supported) {
    stop(
      `Node ${process.versions.node} was found; Node 20.9 or later, below 23, is needed. ` +
        `Install Node 22 and run the command again.`,
    );
  }
}

/** npm ci in its own process group, so that whatever ends this process ends all of it. */
function npmCi() {
  const parent = process.ppid;
  return new Promise((resolve) => {
    // No install scripts: none of the packages needs one, and what does not run cannot harm.
    const npm = spawn("npm", ["ci", "--ignore-scripts"], {
      cwd: root,
      stdio: "inherit",
      detached: true,
    });
    const kill = (signal) => {
      try {
        process.kill(-npm.pid, signal);
      } catch {
        // Already gone.
      }
    };
    // npm takes back what it has begun before it ends, which may take some seconds.
    const end = (signal) => {
      kill(signal);
      setTimeout(() => kill("SIGKILL"), 5000).unref();
      npm.on("exit", () => process.exit(128 + constants.signals[signal]));
    };
    for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"]) {
      process.once(signal, end);
    }
    // A signal sent to `npm test` ends npm's shell, which passes nothing on: notice that it is gone.
    const watch = setInterval(() => {
      if (process.ppid !== parent) {
        clearInterval(watch);
        end("SIGTERM");
      }
    }, 500).unref();
    npm.on("error", (error) => {
      stop(
        `npm could not be started (${error.message}). Install npm: it comes with Node.`,
      );
    });
    npm.on("exit", (code) => resolve(code ?? 1));
  });
}

/**
 * Waits until no other command installs here: two npm ci at once leave half of node_modules.
 * The file names its process, so that one that was killed holds nobody up.
 */
async function takeTurn() {
  const own = `${running}.${process.pid}`;
  writeFileSync(own, String(process.pid));
  process.on("exit", () => rmSync(own, { force: true }));
  for (let told = false; ; await sleep(500)) {
    try {
      // A link and not a new file: whoever finds it finds the number in it.
      linkSync(own, running);
      process.on("exit", () => rmSync(running, { force: true }));
      return;
    } catch (error) {
      if (error.code !== "EEXIST") throw error;
    }
    if (!isRunning(existsSync(running) ? readFileSync(running, "utf8") : "")) {
      rmSync(running, { force: true });
    } else if (!told) {
      told = true;
      console.error(
        "tuneserve: another command is installing the npm packages; waiting for it.",
      );
    }
  }
}

function isRunning(pid) {
  try {
    return pid !== "" && process.kill(Number(pid), 0);
  } catch (error) {
    return error.code === "EPERM";
  }
}

function isInstalled() {
  return existsSync(stamp) && readFileSync(stamp, "utf8").trim() === lock;
}

checkNode();
const lock = createHash("sha256")
  .update(readFileSync(`${root}package-lock.json`))
  .digest("hex");

if (!isInstalled()) {
  // npm ci would empty the folder behind the link, which others use.
  if (lstatSync(modules, { throwIfNoEntry: false })?.isSymbolicLink()) {
    stop(
      `node_modules is a link to ${readlinkSync(modules)}, where another package-lock.json was installed. ` +
        `Run a command there, or remove the link to install here: rm node_modules`,
    );
  }
  await takeTurn();
}
if (!isInstalled()) {
  console.error(
    `tuneserve: installing the npm packages of package-lock.json: about ${DOWNLOAD_MB} MB ` +
      `to download, ${DISK_MB} MB on disk, 20 to 60 s on a fast line; once.`,
  );
  // The stamp goes first: an installation that is interrupted must not look finished.
  rmSync(stamp, { force: true });
  const code = await npmCi();
  if (code !== 0) {
    stop(
      `npm ci failed (exit code ${code}); its messages stand above. ` +
        `Check the network and the registry npm is set to, then run the command again.`,
    );
  }
  writeFileSync(stamp, `${lock}\n`);
}
