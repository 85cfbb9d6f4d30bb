import { DEFAULTS } from "../rehearsal/cloud/cloud-settings";
import { Discovery } from "../rehearsal/cloud/discovery/discovery";
import { logFilter } from "../rehearsal/cloud/log-filter/log-filter";
import { LocalCloud } from "./local-cloud";

const { schemas } = new Discovery("logging", "v2").document;

const JOB = {
  logName: "projects/p/logs/run.googleapis.com%2Fstdout",
  resource: { type: "cloud_run_job", labels: { job_name: "train" } },
  severity: "ERROR",
  timestamp: "2026-11-25T10:00:00.500Z",
  textPayload: "Loss is NaN (step 7)",
  labels: { "run.googleapis.com/task_index": "1" },
};
const BUILD = {
  logName: "projects/p/logs/cloudbuild",
  resource: { type: "build", labels: { build_id: "b-1" } },
  severity: "INFO",
  timestamp: "2026-11-24T10:00:00Z",
  jsonPayload: {
    message: "pushed",
    bytes: 4096,
    cached: true,
    nothing: null,
    steps: [{ name: "docker" }, { name: "push" }],
  },
  httpRequest: { status: 503 },
};
const PLAIN = {
  logName: "projects/p/logs/test",
  resource: { type: "global", labels: {} },
  timestamp: "2026-11-23T10:00:00Z",
  textPayload: "a \\ b",
};

/** Which of the three entries a filter means. */
const meant = (filter: string) =>
  Object.entries({ JOB, BUILD, PLAIN })
    .filter(([, entry]) => logFilter(filter, schemas)(entry))
    .map(([name]) => name)
    .join(" ");

describe("a filter of log entries", () => {
  test.each<[string, string, string]>([
    ["nothing: all", "", "JOB BUILD PLAIN"],
    ["only a comment: all", "-- all of them", "JOB BUILD PLAIN"],
    [
      "equality without regard to capitals",
      'textPayload="loss is nan (STEP 7)"',
      "JOB",
    ],
    ["an unquoted value", "resource.type=build", "BUILD"],
    [
      "a value with dots and a slash",
      'labels."run.googleapis.com/task_index"=1',
      "JOB",
    ],
    ["AND", 'resource.type="build" AND severity=INFO', "BUILD"],
    [
      "lines without AND",
      "severity>=INFO -- no less\nNOT resource.type=build",
      "JOB",
    ],
    ["OR", "resource.type=build OR resource.type=global", "BUILD PLAIN"],
    [
      "OR before AND",
      "resource.type=global OR severity=ERROR AND textPayload:loss",
      "JOB",
    ],
    [
      "parentheses",
      "resource.type=global OR (severity=ERROR AND textPayload:loss)",
      "JOB PLAIN",
    ],
    [
      "NOT before OR",
      "NOT resource.type=build OR severity=INFO",
      "JOB BUILD PLAIN",
    ],
    [
      "NOT of parentheses",
      "NOT (resource.type=build OR severity=ERROR)",
      "PLAIN",
    ],
    ["a minus as NOT", "-resource.type=build -severity=ERROR", "PLAIN"],
    [
      "values joined by OR",
      'resource.type=("build" OR "global")',
      "BUILD PLAIN",
    ],
    [
      "values joined by AND and NOT",
      'textPayload:("loss" AND NOT "inf")',
      "JOB",
    ],
    ["a text anywhere in an entry", "nan", "JOB"],
    ["a quoted text anywhere", '"is NaN" OR "PUSHED"', "JOB BUILD"],
    ["small letters: a text like others", "loss and step", ""],
    ["a severity by rank", "severity>NOTICE", "JOB"],
    ["a severity by its number", "severity<=200", "BUILD PLAIN"],
    ["an entry without severity as DEFAULT", "severity=default", "PLAIN"],
    ["a time", 'timestamp>="2026-11-24T11:00:00+01:00"', "JOB BUILD"],
    ["a fraction of a second", 'timestamp>"2026-11-25T10:00:00.499Z"', "JOB"],
    ["a day", 'timestamp<"2026-11-24"', "PLAIN"],
    [
      "a regular expression, with regard to capitals",
      'textPayload=~"^Loss .*\\d\\)$"',
      "JOB",
    ],
    ["RE2's own flags", 'textPayload=~"(?i)^LOSS"', "JOB"],
    ["what does not match an expression", 'textPayload!~"Loss"', "PLAIN"],
    ["an escaped backslash", 'textPayload="a \\\\ b"', "PLAIN"],
    ["a code point", 'jsonPayload.message="p\\u0075sh\\x65d"', "BUILD"],
    ["a number of a payload as a number", "jsonPayload.bytes>999", "BUILD"],
    ["a truth value of a payload", "jsonPayload.cached=TRUE", "BUILD"],
    ["null", "jsonPayload.nothing=NULL_VALUE", "BUILD"],
    ["any of a list", 'jsonPayload.steps.name="push"', "BUILD"],
    ["whether a field is there", "jsonPayload.bytes:*", "BUILD"],
    [
      "a missing field of a payload: no comparison holds",
      "jsonPayload.lost!=1",
      "",
    ],
    ["NOT of a missing field", "NOT jsonPayload.lost=1", "JOB BUILD PLAIN"],
    [
      "a missing field of entries: its default",
      "httpRequest.status=0",
      "JOB PLAIN",
    ],
    ["a field in protobuf's spelling", "http_request.status>=500", "BUILD"],
    ["the id of a log", 'log_id("run.googleapis.com/stdout")', "JOB"],
  ])("understands %s", (_what, filter, entries) => {
    expect(meant(filter)).toBe(entries);
  });

  test.each<[string, string, string]>([
    [
      "a parenthesis is not closed",
      "(severity=INFO",
      "it ends too early, not a closing parenthesis",
    ],
    [
      "a parenthesis was not opened",
      "severity=INFO)",
      "unexpected ')' at character 14",
    ],
    [
      "nothing is in parentheses",
      "()",
      "unexpected ')', not a field or a value",
    ],
    [
      "a quotation mark is not closed",
      'textPayload="a',
      "a quotation mark is not closed at character 13",
    ],
    ["quotation marks are single", "textPayload='a'", "unexpected '''"],
    [
      "a value is missing",
      "severity=",
      "it ends too early, not a field or a value",
    ],
    ["an operand is missing", "severity=INFO AND", "it ends too early"],
    ["an operator is doubled", "severity==INFO", "unexpected '='"],
    [
      "a value with a colon is not quoted",
      "insertId=abc:def",
      "unexpected ':'",
    ],
    ["entries have no such field", "colour=red", "Field not found: 'colour'"],
    [
      "a field has no such part",
      "resource.kind=a",
      "Field not found: 'resource.kind'",
    ],
    [
      "a severity is none",
      "severity>=LOUD",
      "'LOUD' is no severity: DEFAULT, DEBUG",
    ],
    ["a time is none", 'timestamp>"yesterday"', "'yesterday' is no time"],
    [
      "a day is in no calendar",
      'timestamp>"2026-13-41"',
      "'2026-13-41' is no time",
    ],
    ["a number is none", "httpRequest.status=high", "'high' is no number"],
    [
      "a truth value is none",
      "traceSampled=1",
      "traceSampled is either true or false",
    ],
    [
      "a function is not known",
      "sample(insertId, 0.1)",
      "the function 'sample' is not spoken by this local cloud",
    ],
    [
      "an expression is none",
      'textPayload=~"(a"',
      "invalid regular expression",
    ],
    [
      "an expression looks ahead, as RE2 cannot",
      'textPayload=~"a(?=b)"',
      "invalid or unsupported Perl syntax",
    ],
    [
      "an expression is too large for RE2",
      'textPayload=~"((a{1000}){1000}){1000}"',
      "invalid repeat count",
    ],
    [
      "it is longer than 20,000 characters",
      `"${"a".repeat(20_000)}"`,
      "it has 20002 characters; allowed are 20000",
    ],
    [
      "parentheses are within each other without end",
      "(".repeat(9000),
      "more than 50 parentheses",
    ],
    [
      "so are those of values",
      `severity=${"(".repeat(9000)}`,
      "more than 50 parentheses",
    ],
    ["it denies a denial", `${"NOT ".repeat(4000)}a`, "unexpected 'NOT'"],
  ])("fails when %s", (_why, filter, message) => {
    expect(() => logFilter(filter, schemas)).toThrow(message);
  });

  test("is quick whatever the expression, the text and the number of restrictions", () => {
    const entry = { ...PLAIN, textPayload: `${"a".repeat(20_000)}!` };
    const began = Date.now();

    expect(logFilter('textPayload=~"^(a+)+$"', schemas)(entry)).toBe(false);
    expect(logFilter("a ".repeat(9000), schemas)(PLAIN)).toBe(true);
    expect(() => logFilter(`"${"\\".repeat(9001)}`, schemas)).toThrow();
    expect(Date.now() - began).toBeLessThan(2000);
  });
});

describe("Cloud Logging of a local cloud", () => {
  const PROJECT = `projects/${DEFAULTS.project}`;
  let cloud: LocalCloud;
  beforeAll(async () => {
    cloud = await LocalCloud.start();
    await cloud.post("logging", "entries:write", {
      logName: `${PROJECT}/logs/test`,
      resource: { type: "global" },
      entries: [
        {
          severity: "INFO",
          textPayload: "one",
          timestamp: "2026-01-01T00:00:00Z",
          insertId: "b",
        },
        {
          severity: "ERROR",
          textPayload: "two",
          timestamp: "2026-01-01T00:00:00Z",
          insertId: "a",
        },
        { textPayload: "three", timestamp: "2026-01-02T00:00:00Z" },
      ],
    });
  });
  afterAll(() => cloud.close());

  const list = (more: object = {}) =>
    cloud.post("logging", "entries:list", {
      resourceNames: [PROJECT],
      ...more,
    });
  const texts = async (more: object = {}) =>
    ((await list(more)).entries ?? []).map(
      ({ textPayload }: any) => textPayload,
    );

  test("lists what a filter means, by time and then by insert id", async () => {
    expect(await texts()).toEqual(["two", "one", "three"]);
    expect(await texts({ orderBy: "timestamp desc" })).toEqual([
      "three",
      "one",
      "two",
    ]);
    expect(
      await texts({ filter: 'severity>=ERROR OR textPayload=~"^t.r"' }),
    ).toEqual(["two", "three"]);
  });

  test.each<[string, object, string]>([
    ["has no log", {}, "400 Invalid log_name: ''"],
    ["is of no log", { logName: "test" }, "400 Invalid log_name: 'test'"],
    [
      "is another project's",
      { logName: "projects/other/logs/test" },
      "403 Permission 'logging.logEntries.create' denied",
    ],
  ])("fails when an entry %s, and keeps none", async (_why, more, message) => {
    const entries = [
      { logName: `${PROJECT}/logs/test`, textPayload: "kept" },
      { textPayload: "not", ...more },
    ];
    const write = cloud.post("logging", "entries:write", { entries });

    expect(await cloud.refusal(write)).toContain(message);
    expect(await texts({ filter: "textPayload=kept" })).toEqual([]);
  });

  test.each<[string, object, string]>([
    [
      "a filter cannot be read",
      { filter: "severity>" },
      "400 Unparseable filter: it ends too early",
    ],
    [
      "the order is by something else",
      { orderBy: "severity" },
      "400 Invalid order_by 'severity'",
    ],

    [
      "they are another project's",
      { resourceNames: ["projects/other"] },
      "403 Permission 'logging.logEntries.list' denied on resource 'projects/other'",
    ],
  ])("fails when %s", async (_why, more, message) => {
    expect(await cloud.refusal(list(more))).toContain(message);
  });
});
