import { type ChildProcess, spawn, spawnSync } from "node:child_process";
import {
  existsSync,
  mkdtempSync,
  readFileSync,
  renameSync,
  rmSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import type { Readable, Writable } from "node:stream";
import { brotliDecompressSync } from "node:zlib";
import { x as extract } from "tar";
import { cacheFolder } from "../commands/python-environment";

const NAMES = ["chromium", "chromium-browser", "google-chrome"];

/** How to start a Chromium. */
export interface Browser {
  readonly program: string;
  readonly environment: Readonly<Record<string, string>>;
}

/** A Chromium of this machine, or the one that comes from npm; undefined where neither runs. */
export function findBrowser(path = process.env["PATH"]): Browser | undefined {
  const env = { PATH: path ?? "" };
  const installed = NAMES.find(
    (name) => spawnSync(name, ["--version"], { env }).status === 0,
  );
  if (installed !== undefined) {
    return { program: installed, environment: env };
  }
  const unpacked = unpackedBrowser();
  const environment = {
    ...env,
    LD_LIBRARY_PATH: join(unpacked, "lib"),
    FONTCONFIG_FILE: join(unpacked, "fonts.conf"),
  };
  const program = join(unpacked, "chromium");
  const { status } = spawnSync(program, ["--version"], {
    cwd: unpacked,
    env: environment,
  });
  return status === 0 ? { program, environment } : undefined;
}

/**
 * The Chromium of an npm package, unpacked into the cache with the libraries and fonts that small machines lack.
 * Not by the package's own function, which starts whatever lies at /tmp/chromium.
 */
function unpackedBrowser(): string {
  const packed = join(
    dirname(require.resolve("@sparticuz/chromium")),
    "../bin",
  );
  const { version } = require("@sparticuz/chromium/package.json");
  const folder = join(cacheFolder(), `chromium-${version}`);
  if (!existsSync(folder)) {
    const making = mkdtempSync(`${folder}-`);
    const plain = (name: string) =>
      brotliDecompressSync(readFileSync(join(packed, name)));
    writeFileSync(join(making, "chromium"), plain("chromium.br"), {
      mode: 0o755,
    });
    for (const name of ["al2023", "swiftshader", "fonts"]) {
      const archive = join(making, `${name}.tar`);
      writeFileSync(archive, plain(`${name}.tar.br`));
      extract({ file: archive, cwd: making, sync: true });
      rmSync(archive);
    }
    writeFileSync(
      join(making, "fonts.conf"),
      `<fontconfig><dir prefix="relative">fonts</dir><cachedir prefix="relative">fonts-cache</cachedir></fontconfig>`,
    );
    try {
      renameSync(making, folder);
    } catch {
      // Another test was quicker.
      rmSync(making, { recursive: true });
    }
  }
  return folder;
}

/**
 * One page in a headless Chromium, over the DevTools protocol on a pipe.
 *
 * @see https://chromedevtools.github.io/devtools-protocol/
 */
export class BrowserPage {
  /** Errors and warnings of the page's console, uncaught exceptions, and requests of other hosts. */
  readonly complaints: string[] = [];
  private readonly answers = new Map<number, (message: any) => void>();
  private session: string | undefined;
  private received = "";
  private last = 0;

  private constructor(
    private readonly child: ChildProcess,
    private readonly profile: string,
  ) {
    (child.stdio[4] as Readable).setEncoding("utf8").on("data", (text) => {
      this.received += text;
      const messages = this.received.split("\0");
      this.received = messages.pop()!;
      messages.forEach((each) => this.take(JSON.parse(each)));
    });
  }

  static async open(browser: Browser, url: string): Promise<BrowserPage> {
    const profile = mkdtempSync(join(tmpdir(), "tuneserve-browser-"));
    const args = [
      ...["--headless=shell", "--no-sandbox", "--disable-gpu", "--no-zygote"],
      ...["--disable-dev-shm-usage", "--no-first-run", "--single-process"],
      ...["--remote-debugging-pipe", `--user-data-dir=${profile}`],
    ];
    const child = spawn(browser.program, args, {
      // Fontconfig puts the cache of its fonts where a program was started.
      cwd: dirname(browser.program),
      env: { ...browser.environment, HOME: profile },
      stdio: ["ignore", "ignore", "ignore", "pipe", "pipe"],
    });
    const page = new BrowserPage(child, profile);
    const { targetId } = await page.send("Target.createTarget", {
      url: "about:blank",
    });
    const { sessionId } = await page.send("Target.attachToTarget", {
      targetId,
      flatten: true,
    });
    page.session = sessionId;
    for (const domain of ["Runtime", "Log", "Page", "Network"]) {
      await page.send(`${domain}.enable`);
    }
    await page.send("Page.navigate", { url });
    return page;
  }

  /** The value of an expression in the page. */
  async evaluate(expression: string): Promise<any> {
    const { result, exceptionDetails } = await this.send("Runtime.evaluate", {
      expression,
      returnByValue: true,
      awaitPromise: true,
    });
    if (exceptionDetails)
      throw new Error(exceptionDetails.exception.description);
    return result.value;
  }

  /** Waits until an expression in the page is true. */
  async until(expression: string, limitMs = 20_000): Promise<void> {
    for (const began = Date.now(); !(await this.evaluate(expression)); ) {
      if (Date.now() - began > limitMs) {
        const text = await this.evaluate("document.body.innerText");
        throw new Error(`It did not become true: ${expression}\n${text}`);
      }
      await new Promise((next) => setTimeout(next, 50));
    }
  }

  async close(): Promise<void> {
    const ended = new Promise((done) => this.child.on("exit", done));
    this.child.kill("SIGKILL");
    await ended;
    rmSync(this.profile, { recursive: true, force: true, maxRetries: 5 });
  }

  private send(method: string, params: object = {}): Promise<any> {
    const id = ++this.last;
    const message = { id, method, params, sessionId: this.session };
    (this.child.stdio[3] as Writable).write(`${JSON.stringify(message)}\0`);
    return new Promise((done, failed) => {
      this.answers.set(id, ({ result, error }) =>
        error ? failed(new Error(`${method}: ${error.message}`)) : done(result),
      );
    });
  }

  private take({ id, method, params, ...rest }: any): void {
    this.answers.get(id)?.(rest);
    this.answers.delete(id);
    if (method === "Runtime.exceptionThrown") {
      this.complaints.push(params.exceptionDetails.exception.description);
    }
    if (method === "Log.entryAdded" && params.entry.level !== "info") {
      this.complaints.push(params.entry.text);
    }
    if (method === "Network.requestWillBeSent") {
      const { hostname, protocol } = new URL(params.request.url);
      if (protocol !== "data:" && hostname !== "127.0.0.1") {
        this.complaints.push(`asks ${params.request.url}`);
      }
    }
  }
}
