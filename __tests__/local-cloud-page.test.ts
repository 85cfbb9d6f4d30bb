import { request } from "node:http";
import { setTimeout as sleep } from "node:timers/promises";
import { BrowserPage, findBrowser } from "./headless-browser";
import { LocalCloud } from "./local-cloud";

const browser = findBrowser();
if (browser === undefined) {
  // Jest keeps the console of a file without tests that ran to itself.
  process.stderr.write(
    "skipped: no Chromium on the PATH, and the one from npm (Linux, x64) does not run here\n",
  );
}

let cloud: LocalCloud;
beforeAll(async () => {
  cloud = await LocalCloud.start({ containers: "stub" });
});
afterAll(() => cloud.close());

/** Answers of the page's server, for whatever Host the browser believes to be at. */
function get(
  path: string,
  host?: string,
): Promise<{ status?: number | undefined; headers: any; text: string }> {
  return new Promise((done) => {
    const headers = host === undefined ? {} : { host };
    request(cloud.server.cloud.origin + path, { headers }, (response) => {
      let text = "";
      response.setEncoding("utf8").on("data", (chunk) => (text += chunk));
      response.on("end", () =>
        done({ status: response.statusCode, headers: response.headers, text }),
      );
    }).end();
  });
}

const text = (id: string) => `document.getElementById("${id}").innerText`;

(browser ? describe : describe.skip)("the page in headless Chromium", () => {
  let page: BrowserPage;
  beforeAll(async () => {
    page = await BrowserPage.open(browser!, `${cloud.server.cloud.origin}/`);
    await page.until(
      `document.title === "Local Google Cloud" && document.querySelector("#state")?.textContent.includes("STUBS")`,
    );
  }, 60_000);
  afterAll(() => page?.close());

  test("lists resources soon after they were made, without a reload", async () => {
    await page.evaluate("window.same = true");
    await cloud.bucket("page-bucket");
    await cloud.upload("page-bucket", "a.txt", "twelve bytes");
    await cloud.account("page-account");

    await page.until(`${text("resources")}.includes("page-bucket")`);
    expect(await page.evaluate(text("resources"))).toMatch(
      /bucket\s+page-bucket\s+1 objects, 0\.0 MB/,
    );
    await page.until(`${text("resources")}.includes("page-account@")`);
    expect(await page.evaluate("window.same")).toBe(true);
  }, 30_000);

  test("lists requests, and marks the refused ones with their reason", async () => {
    await cloud.refusal(cloud.get("storage", "b/no-such-bucket"));

    await page.until(`${text("requests")}.includes("no-such-bucket")`);
    const row = `[...document.querySelectorAll("#requests tr.bad")].at(0).innerText`;
    expect(await page.evaluate(row)).toMatch(
      /GET\s+\/storage\/.*b\/no-such-bucket\s+404\s+.*bucket does not exist/,
    );
    // Not its own.
    expect(await page.evaluate(text("requests"))).not.toContain("/page/data");
  }, 30_000);

  test("lists executions while they run, and how they ended", async () => {
    const { state } = cloud.server.cloud;
    const name = `${cloud.parent}/jobs/page-job/executions/page-job-1`;
    const began = Date.now();
    const createTime = new Date(began).toISOString();
    state.executions[name] = { name, createTime };
    const row = `[...document.querySelectorAll("#executions tr")].find((row) => row.innerText.includes("page-job-1"))`;
    await page.until(`${row}?.className === "busy"`);

    Object.assign(state.executions[name], {
      completionTime: new Date(began + 2500).toISOString(),
      failedCount: 1,
      conditions: [{ message: "The container exited with an error." }],
    });
    await page.until(`${row}.className === "bad"`);
    expect(await page.evaluate(`${row}.innerText`)).toMatch(
      /page-job-1\s+failed\s+2\.5\s+The container exited with an error\./,
    );
  }, 30_000);

  test("shows a log line that is HTML as the text that it is", async () => {
    const line =
      '<img src="x" onerror="document.title = 1"><script>document.title = 1</script>';
    cloud.server.cloud.logs.line(
      { type: "cloud_run_job", resourceLabels: { job_name: "page-job" } },
      line,
      "ERROR",
    );

    await page.until(`${text("logs")}.includes("onerror")`);
    const cells = `[...document.querySelector("#logs tr.bad").cells].slice(1).map((cell) => cell.textContent)`;
    expect(await page.evaluate(cells)).toEqual(["page-job", "ERROR", line]);
    expect(await page.evaluate("document.title")).toBe("Local Google Cloud");
  }, 30_000);

  test("shows only rows with the text of its filter", async () => {
    const filter = (value: string) =>
      page.evaluate(`{
        const input = document.querySelector("#filter");
        input.value = ${JSON.stringify(value)};
        input.dispatchEvent(new Event("input"));
      }`);
    await filter("PAGE-ACCOUNT@");
    const shown = await page.evaluate(text("resources"));
    await filter("");

    expect(shown).toContain("page-account@");
    expect(shown).not.toContain("page-bucket");
    expect(await page.evaluate(text("resources"))).toContain("page-bucket");
  }, 30_000);

  test("has nothing to complain of: no error, no request of another host", () => {
    expect(page.complaints).toEqual([]);
  });
});

describe("the page", () => {
  test("fails when it is asked for at a name that a stranger's DNS gave this machine", async () => {
    for (const path of ["/", "/page/data"]) {
      const { status, text } = await get(path, "evil.example:8900");
      expect(status).toBe(403);
      expect(text).toContain("not at evil.example:8900");
    }
    expect((await get("/page/data", "localhost:8900")).status).toBe(200);
  });

  test("lets the browser load from nowhere else", async () => {
    const { headers } = await get("/");

    expect(headers["content-security-policy"]).toMatch(
      /^default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'/,
    );
  });

  test("shows no payload of a secret, no token and no text of an object", async () => {
    const { state } = cloud.server.cloud;
    await cloud.bucket("quiet-bucket");
    await cloud.upload("quiet-bucket", "a.txt", "object_marker");
    state.secrets["projects/p/secrets/quiet"] = {};
    state.secretVersions["projects/p/secrets/quiet/versions/1"] = {
      version: {},
      data: Buffer.from("secret_marker").toString("base64"),
    };
    await sleep(10);
    const { text } = await get("/page/data");

    expect(text).toContain('"quiet","state":"","detail":"1 versions"');
    for (const hidden of [
      "object_marker",
      "secret_marker",
      Buffer.from("secret_marker").toString("base64"),
      ...Object.keys(state.tokens),
    ]) {
      expect(text).not.toContain(hidden);
    }
    expect(Object.keys(state.tokens)).not.toHaveLength(0);
  });
});
