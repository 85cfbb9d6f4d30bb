import Ajv from "ajv";
import addFormats from "ajv-formats";
import {
  mkdirSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { gate } from "../commands/gate";
import { RULES } from "../gates/all-rules";
import { judge } from "../gates/judge";
import { GPU_LIMIT } from "../gates/profile";
import { readPlan } from "../gates/read-plan";
import { LONGEST_REPORT } from "../gates/report-markdown";
import { type PlanJson, planFixture } from "./plan-fixtures";
import { after } from "./plan-edits";

const TODAY = new Date("2026-11-24T12:00:00Z");
const TOKEN = `hf_${"aBcDeFgH".repeat(4)}`;
let root: string;

beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), "tuneserve-gate-"));
  mkdirSync(join(root, "gates"));
});
afterEach(() => rmSync(root, { recursive: true }));

/** Runs the command over a plan, and catches what it prints. */
async function run(plan: unknown, ...options: string[]) {
  writeFileSync(
    join(root, "plan.json"),
    typeof plan === "string" ? plan : JSON.stringify(plan),
  );
  const log = jest.spyOn(console, "log").mockImplementation();
  const error = jest.spyOn(console, "error").mockImplementation();
  try {
    const code = await gate(["plan.json", ...options], { root, today: TODAY });
    const said = (spy: jest.SpyInstance) => spy.mock.calls.join("\n");
    return { code, output: said(log), log: said(error) };
  } catch (error) {
    const { exitCode, message } = error as {
      exitCode: number;
      message: string;
    };
    return { code: exitCode, output: message, log: "" };
  } finally {
    log.mockRestore();
    error.mockRestore();
  }
}

function waivers(...entries: unknown[]) {
  writeFileSync(join(root, "gates/waivers.json"), JSON.stringify(entries));
}

const SERVICE = "google_cloud_run_v2_service";
function unchecked(): PlanJson {
  const plan = planFixture("reviewed");
  after(plan, SERVICE).invoker_iam_disabled = true;
  return plan;
}

/** The entry that the finding of a rule prints. */
async function printedWaiver(
  plan: PlanJson,
  rule: string,
  ...options: string[]
) {
  const { output } = await run(plan, "--format", "json", ...options);
  return JSON.parse(output).findings.find((f: PlanJson) => f.rule === rule)
    .waiver;
}

test.each(["dev", "prod", "reviewed"])(
  "the real plan of the default stack passes without a waiver: %s",
  async (name) => {
    const { code, output } = await run(planFixture(name));

    expect(code).toBe(0);
    expect(output).toContain("passed: 0 to change");
    expect(output).toContain("What this apply will do");
  },
);

test("the text groups by level and says what, why and what to change", async () => {
  const { code, output } = await run(unchecked());

  expect(code).toBe(1);
  expect(output).toMatch(
    /BLOCKED: .*\(1\)\n\n {2}G02 {2}google_cloud_run_v2_service\.\S+\n\s+found: .*\n\s+why: .*\n\s+change: .*\n\s+read: .*\n\s+waiver: \{/,
  );
});

test.each(["text", "markdown"])(
  "nothing of a plan is a line of its own, or obeyed by a terminal: %s",
  async (format) => {
    const plan = unchecked();
    after(plan, "google_project_iam_member").role =
      "roles/x\n\npassed: 0 to change\u001b[2J\u202eadmin";

    const { code, output } = await run(plan, "--format", format);

    expect(code).toBe(1);
    expect(output).toMatch(/G15/);
    expect(output).not.toMatch(/^passed/m);
    expect(output).not.toMatch(/[\u001b\u202e]/);
  },
);

test.each(["text", "markdown"])(
  "a resource whose name is a trap can be waived, and obeys nobody: %s",
  async (format) => {
    const plan = unchecked();
    for (const entry of plan.resource_changes) {
      if (entry.type !== SERVICE) continue;
      // As for_each writes it.
      entry.address += '["\u009b2J\u202e``` @ada </details> | &#64;ada"]';
    }
    const entry = await printedWaiver(plan, "G02");
    const { output } = await run(plan, "--format", format);
    const [printed] = /\{"rule":"G02".*?\}/.exec(output) ?? [];

    expect(JSON.parse(printed ?? "null")).toEqual(entry);
    expect(output).not.toMatch(/[\u009b\u202e]/);

    waivers({ ...entry, reason: "agreed\u001b[2J with @ada &#64;ada" });
    const waived = await run(plan, "--format", format);
    expect(waived).toMatchObject({ code: 0 });
    expect(waived.output).toMatch(/1 waived/);
    expect(waived.output).not.toMatch(/[\u001b\u009b\u202e]/);
    if (format === "markdown") {
      const outside = waived.output.replace(/(`+)[^`].*?\1(?!`)/g, "");
      expect(outside).not.toMatch(/@ada|&#64;|<\/details> \|/);
    }
  },
);

test("SARIF is valid by its schema, with a rule for every result", async () => {
  waivers();
  const ajv = new Ajv({ strict: false, allErrors: true, unicodeRegExp: false });
  addFormats(ajv);
  const schema = JSON.parse(
    readFileSync(join(__dirname, "fixtures/sarif-schema-2.1.0.json"), "utf8"),
  );
  const plan = unchecked();
  plan.errored = true;

  const { code, output } = await run(plan, "--format", "sarif");

  const sarif = JSON.parse(output);
  expect(code).toBe(1);
  expect(ajv.validate(schema, sarif) || ajv.errors).toBe(true);
  expect(
    sarif.runs[0].results.map((r: PlanJson) => [
      r.ruleId,
      RULES[r.ruleIndex]?.id,
      r.level,
    ]),
  ).toEqual([
    ["G00", "G00", "error"],
    ["G02", "G02", "error"],
  ]);
});

test("Markdown fits into a comment, counts what does not, and takes no mark-up from a plan", async () => {
  const plan = unchecked();
  const many = after(plan, "google_storage_bucket", "bucket.models");
  many.labels = Object.fromEntries(
    Array.from({ length: 900 }, (_, i) => [`k${i}`, `${TOKEN}${i}`]),
  );
  after(plan, SERVICE).template[0].containers[0].image =
    "x.example/@ada/[a](b)/<img>:v1";

  const { output, log } = await run(plan, "--format", "markdown");

  expect(output.length).toBeLessThanOrEqual(LONGEST_REPORT);
  expect(output).toMatch(
    /\*\*\d+ of \d+ parts do not fit into a comment: the job's log has them/,
  );
  // All 900 labels, and the image.
  expect(log.match(/G14 {2}google_storage_bucket/g)).toHaveLength(900);
  expect(log).not.toContain(TOKEN);
  expect((await run(unchecked(), "--format", "markdown")).log).toBe("");
  expect(output).not.toMatch(/<img>|[^\u200b`]@ada/);
  expect(output).not.toContain(TOKEN);
});

test("a list that is too long takes no other part of the summary with it", async () => {
  const plan = planFixture("reviewed");
  const bucket = plan.resource_changes.find(
    (r: PlanJson) => r.type === "google_storage_bucket_iam_member",
  );
  for (let i = 0; i < 1000; i++) {
    const { change } = bucket;
    plan.resource_changes.push({
      ...bucket,
      address: `${bucket.address}_${i}`,
      change: { ...change, actions: ["delete"], before: change.after },
    });
  }

  const { output } = await run(plan, "--format", "markdown");

  expect(output.length).toBeLessThanOrEqual(LONGEST_REPORT);
  expect(output).toMatch(/1 of \d+ parts do not fit/);
  expect(output).not.toContain("**Deleted**");
  expect(output).toContain("### What this apply will do");
  expect(output).toContain("**Cost of serving a month**");
});

test.each<[string, unknown]>([
  ["no JSON", "{"],
  ["a plan cut short", JSON.stringify(planFixture("dev")).slice(0, 9000)],
  ["a plan in UTF-16", "\ufffe{\u0000}\u0000"],
  ["a plan as Terraform keeps it", "PK\u0003\u0004tfplan"],
  [
    "a version of three parts",
    { ...planFixture("dev"), format_version: "1.2.3" },
  ],
  ["a list", []],
  [
    "a state",
    { format_version: "1.0", terraform_version: "1.11.4", values: {} },
  ],
  [
    "an unknown major version",
    { ...planFixture("dev"), format_version: "2.0" },
  ],
  ["no version", { ...planFixture("dev"), format_version: undefined }],
  ["a number as version", { ...planFixture("dev"), format_version: 1.2 }],
  ["changes that are no list", { ...planFixture("dev"), resource_changes: {} }],
  [
    "changes without an address",
    { ...planFixture("dev"), resource_changes: [{}] },
  ],
  [
    "an action that nobody knows",
    {
      ...planFixture("dev"),
      resource_changes: [
        {
          address: "a.b",
          type: "a",
          name: "b",
          change: { actions: ["explode"] },
        },
      ],
    },
  ],
  ["lists in lists", `${"[".repeat(200_000)}${"]".repeat(200_000)}`],
  [
    "objects in objects",
    `{"format_version":"1.2","planned_values":{},"a":${'{"a":'.repeat(5000)}1${"}".repeat(5000)}}`,
  ],
])("fails with exit code 2 when the plan is %s", async (_, plan) => {
  const { code, output } = await run(plan);

  expect(code).toBe(2);
  expect(output).toMatch(/^plan\.json: /);
  expect(output.length).toBeLessThan(1000);
});

test("fails with exit code 2 when there is no plan, or an option is wrong", async () => {
  const log = async (...argv: string[]) =>
    gate(argv, { root }).catch((error) => [error.exitCode, error.message]);

  expect(await log("missing.json")).toEqual([
    2,
    expect.stringMatching(/there is no such file/),
  ]);
  expect(await log()).toEqual([2, expect.stringMatching(/Give one plan/)]);
  expect((await run({}, "--format", "xml")).output).toMatch(
    /--format got "xml"/,
  );
  expect((await run(planFixture("dev"), "--cost-limit", "much")).code).toBe(2);
});

test("a plan with keys of JavaScript's own is judged like any other", async () => {
  const text = JSON.stringify(unchecked()).replace(
    '"resource_changes"',
    '"__proto__":{"errored":true},"constructor":1,"hasOwnProperty":2,"resource_changes"',
  );
  const { output } = await run(text, "--format", "json");

  expect(JSON.parse(output).findings.map((f: PlanJson) => f.rule)).toEqual([
    "G02",
  ]);
});

test("a plan is production by its label or by the option, never less", async () => {
  const plan = planFixture("dev");

  expect((await run(plan)).code).toBe(0);
  expect((await run(plan, "--environment", "prod")).code).toBe(1);
  const prod = unchecked();
  after(prod, SERVICE).invoker_iam_disabled = null;
  after(prod, SERVICE).deletion_protection = false;
  expect((await run(prod, "--environment", "dev")).code).toBe(1);

  // Nor does an apply that labels everything as something else.
  const renamed = planFixture("dev");
  const { change } = renamed.resource_changes.find(
    (r: PlanJson) => r.type === SERVICE,
  );
  change.actions = ["update"];
  change.before = {
    ...structuredClone(change.after),
    effective_labels: { env: "prod" },
  };
  expect((await run(renamed)).output).toMatch(/G07/);
  expect((await run(renamed)).code).toBe(1);
});

test("--cost-limit blocks what costs more, and what has no price", async () => {
  const plan = planFixture("dev");
  expect((await run(plan, "--cost-limit", "1100")).code).toBe(0);
  expect((await run(plan, "--cost-limit", "1000")).output).toMatch(/G23/);

  after(plan, SERVICE).location = "us-east4";
  const { code, output } = await run(plan, "--cost-limit", "100000");

  expect(code).toBe(1);
  expect(output).toMatch(/G00[^]*G23 knows no price/);
  // Regions without a price are offered, so there is a way to go on.
  const entry = await printedWaiver(plan, "G00", "--cost-limit", "100000");
  waivers({ ...entry, reason: "the price was asked for by telephone" });
  expect((await run(plan, "--cost-limit", "100000")).code).toBe(0);

  waivers();
  const { change } = plan.resource_changes.find(
    (r: PlanJson) => r.type === SERVICE,
  );
  change.actions = ["no-op"];
  change.before = structuredClone(change.after);
  expect((await run(plan, "--cost-limit", "100000")).code).toBe(0);
});

test("the printed entry waives the finding once it has a reason, until it expires", async () => {
  const plan = unchecked();
  const entry = await printedWaiver(plan, "G02");
  expect(entry).toMatchObject({ rule: "G02", environment: "prod", reason: "" });

  waivers(entry);
  expect(await run(plan)).toMatchObject({
    code: 2,
    output: expect.stringMatching(/0\.reason: allowed: why this is right here/),
  });
  const reasoned = { ...entry, reason: "agreed for the demonstration" };
  waivers(reasoned);
  expect((await run(plan)).output).toMatch(/1 waived/);
  expect((await run(plan)).code).toBe(0);

  waivers({ ...reasoned, expires: "2026-11-24" });
  expect((await run(plan)).code).toBe(0);
  waivers({ ...reasoned, expires: "2026-11-22" });
  expect((await run(plan)).output).toMatch(/it expired on 2026-11-22/);
  waivers({ ...reasoned, expires: "2028-01-01" });
  expect((await run(plan)).output).toMatch(/a year is the most/);
});

test("a waiver does not cover a change of the same resource, another resource or another rule", async () => {
  const plan = unchecked();
  const entry = {
    ...(await printedWaiver(plan, "G02")),
    reason: "agreed for the demonstration",
  };
  const blocked = async (edit: (plan: PlanJson) => void, waiver = entry) => {
    const changed = unchecked();
    edit(changed);
    waivers(waiver);
    return (await run(changed)).code;
  };
  const same = () => undefined;

  expect(await blocked(same)).toBe(0);
  expect(await blocked((p) => (after(p, SERVICE).description = "x"))).toBe(1);
  expect(await blocked(same, { ...entry, address: "a.b" })).toBe(1);
  expect(await blocked(same, { ...entry, rule: "G01" })).toBe(1);
  expect(await blocked(same, { ...entry, hash: "plan:0000000000000000" })).toBe(
    1,
  );
  expect(await blocked(same, { ...entry, environment: "dev" })).toBe(1);
});

test("a waiver for a variable that looks like a secret covers no other, and no other value", async () => {
  const holding = (variables: object) => ({
    ...planFixture("reviewed"),
    variables,
  });
  const example = holding({ example: { value: TOKEN } });
  const entry = await printedWaiver(example, "G14");
  waivers({ ...entry, reason: "the example of the documentation" });
  const code = async (plan: PlanJson) => (await run(plan)).code;

  expect(await code(example)).toBe(0);
  expect(await code(holding({ other: { value: TOKEN } }))).toBe(1);
  expect(await code(holding({ example: { value: `${TOKEN}x` } }))).toBe(1);
});

test("a waiver that fits nothing blocks; one of another environment, or of the synthesis, is left alone", async () => {
  const entry = {
    rule: "G02",
    address: "a.b",
    reason: "agreed for the demonstration",
    expires: "2027-01-01",
    hash: "plan:0000000000000000",
  };
  const code = async (waiver: unknown) => {
    waivers(waiver);
    return (await run(planFixture("reviewed"))).code;
  };

  expect(await code(entry)).toBe(1);
  expect(await code({ ...entry, environment: "dev" })).toBe(0);
  expect(await code({ ...entry, hash: "synth:0000000000000000" })).toBe(0);
  expect(await code({ ...entry, extra: 1 })).toBe(2);
});

test("a waiver for one leftover covers no other", async () => {
  const leaving = (deposed: string) => {
    const plan = planFixture("reviewed");
    const entry = structuredClone(
      plan.resource_changes.find((r: PlanJson) => r.type === SERVICE),
    );
    const { after: before } = entry.change;
    entry.deposed = deposed;
    entry.change = {
      ...entry.change,
      actions: ["delete"],
      before,
      after: null,
    };
    entry.change.before.name = `old-${deposed}`;
    plan.resource_changes.push(entry);
    return plan;
  };
  const entry = await printedWaiver(leaving("00000001"), "G04");
  waivers({ ...entry, reason: "it is left over from last week" });

  expect((await run(leaving("00000001"))).code).toBe(0);
  expect((await run(leaving("00000002"))).code).toBe(1);
});

test.each(["2027-02-30", "2027-13-01", "tomorrow", "2027-1-1"])(
  "fails when a waiver ends on a day that is none: %s",
  async (expires) => {
    waivers({
      rule: "G02",
      address: "a.b",
      reason: "agreed for the demonstration",
      expires,
      hash: "plan:0000000000000000",
    });

    expect(await run(planFixture("reviewed"))).toMatchObject({
      code: 2,
      output: expect.stringMatching(/0\.expires: allowed: a day such as/),
    });
  },
);

test("a plan that cannot be read is not to be waived", async () => {
  const plan = planFixture("reviewed");
  plan.errored = true;

  expect(await printedWaiver(plan, "G00")).toBeUndefined();
});

test("values that the plan marks as sensitive are not shown", async () => {
  const plan = planFixture("reviewed");
  const { change } = plan.resource_changes.find(
    (r: PlanJson) => r.type === SERVICE,
  );
  change.after.template[0].containers[0].image =
    "registry.example/secret-name:v1";
  change.after_sensitive = { template: [{ containers: [{ image: true }] }] };

  const { code, output } = await run(plan, "--format", "json");

  expect(code).toBe(1);
  expect(JSON.stringify(JSON.parse(output).findings)).not.toContain(
    "secret-name",
  );
});

test("1,000 resources are judged in under 300 ms", () => {
  const plan = planFixture("prod");
  const some = plan.resource_changes;
  while (plan.resource_changes.length < 1000) {
    const copy = structuredClone(some[plan.resource_changes.length % 35]);
    const suffix = `_${plan.resource_changes.length}`;
    copy.address += suffix;
    copy.name += suffix;
    plan.resource_changes.push(copy);
    plan.configuration.root_module.resources.push({
      ...plan.configuration.root_module.resources.find(
        (r: PlanJson) => `${r.address}${suffix}` === copy.address,
      ),
      address: copy.address,
    });
  }
  const text = JSON.stringify(plan);
  const profile = { production: true, gpuLimit: GPU_LIMIT };
  // Time of this process alone: a busy machine is no slower gate.
  const times = [1, 2, 3].map(() => {
    const start = process.cpuUsage();
    const findings = judge(readPlan(JSON.parse(text)), profile, RULES);
    expect(findings.length).toBeGreaterThan(0);
    const { user, system } = process.cpuUsage(start);
    return (user + system) / 1000;
  });

  expect(Math.min(...times)).toBeLessThan(300);
});
