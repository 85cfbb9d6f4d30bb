import { CloudLogs } from "../provision/cloud-logs";
import { apiError, GoogleApiServer } from "./google-api-server";
import { run } from "./provisioner-run";

const LOGS = "logging.entries.list";

let server: GoogleApiServer;
beforeEach(async () => {
  server = await GoogleApiServer.start();
});
afterEach(() => server.close());

const START = new Date("2026-01-01T00:00:00Z");
const entry = (second: number, textPayload = `line ${second}`) => ({
  insertId: `id-${second}`,
  timestamp: new Date(START.getTime() + second * 1000).toISOString(),
  textPayload,
});

/** Polls some times, and returns what was printed. */
async function polls(count: number): Promise<string> {
  const { output, failure } = await run(
    async (session) => {
      const logs = new CloudLogs(session, "p", "a=1", START);
      for (let poll = 0; poll < count; poll++) await logs.poll();
    },
    server,
    {},
  );
  expect(failure).toBeUndefined();
  return output;
}

test("prints an entry once, and one that arrives late", async () => {
  const answers = [[entry(30)], [entry(30), entry(40)], [entry(35), entry(40)]];
  server.on(LOGS, ({ before }) => ({
    body: { entries: answers[before] ?? [] },
  }));
  expect(await polls(3)).toBe("line 30\nline 40\nline 35\n");
  expect(server.callsOf(LOGS).map(({ body }) => body.filter)).toEqual([
    'a=1 AND timestamp>="2025-12-31T23:59:00.000Z"',
    'a=1 AND timestamp>="2025-12-31T23:59:30.000Z"',
    'a=1 AND timestamp>="2025-12-31T23:59:40.000Z"',
  ]);
});

test("reads on page by page, and no more than five a poll", async () => {
  server.on(LOGS, ({ before }) => ({
    body: { entries: [entry(before)], nextPageToken: `page-${before + 1}` },
  }));
  expect(await polls(2)).toMatch(/^(line \d\n){10}$/);
  const calls = server.callsOf(LOGS);
  expect(calls.map(({ body }) => body.pageToken).slice(0, 3)).toEqual([
    undefined,
    "page-1",
    "page-2",
  ]);
  expect(new Set(calls.slice(0, 5).map(({ body }) => body.filter)).size).toBe(
    1,
  );
  // Had it gone back a minute, it would have got the same five pages for ever.
  expect(calls[5]?.body.filter).toBe(
    'a=1 AND timestamp>="2026-01-01T00:00:04.000Z"',
  );
});

test("reads structured lines, and none without words", async () => {
  server.on(LOGS, () => ({
    body: {
      entries: [
        { insertId: "1", jsonPayload: { message: "from json" } },
        { insertId: "2", protoPayload: { status: { message: "from audit" } } },
        { insertId: "3", jsonPayload: { loss: 1 } },
      ],
    },
  }));
  expect(await polls(1)).toBe("from json\nfrom audit\n");
});

test("prints no escape codes and of a progress bar the last state", async () => {
  server.on(LOGS, () => ({
    body: { entries: [entry(1, "\u001b[32mok\u001b[0m\r\n 10%\r 90%\r\n\n")] },
  }));
  expect(await polls(1)).toBe("ok\n 90%\n");
});

test("makes no second try within a poll: the next one is", async () => {
  server.on(LOGS, () => apiError(429, "Quota exceeded for read requests"));
  expect(await polls(2)).toBe("");
  expect(server.callsOf(LOGS)).toHaveLength(2);
});
