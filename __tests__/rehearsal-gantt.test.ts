import {
  mkdirSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { spawn, spawnSync } from "node:child_process";
import { createServer } from "node:http";
import { PNG } from "pngjs";
import { applyGantt, clocked } from "../rehearsal/gantt/apply-gantt";
import { readApplyLog, readableLog } from "../rehearsal/gantt/apply-steps";
import { breakdown } from "../rehearsal/gantt/breakdown";
import { readDependencies } from "../rehearsal/gantt/dependencies";
import { ganttText } from "../rehearsal/gantt/gantt-text";
import { timeline } from "../rehearsal/gantt/timeline";

const ORIGIN = Date.parse("2026-01-01T00:00:00Z");
const EXECUTING =
  'x (local-exec): Executing: ["node" "provision/run-training.ts"]';

/** A line of `terraform apply -json`, so many seconds after its start. */
function line(
  second: number,
  type: string,
  addr = "",
  hook: object = {},
): string {
  return JSON.stringify({
    "@level": "info",
    "@message": `${addr}: ${type}`,
    "@timestamp": new Date(ORIGIN + 1000 * second).toISOString(),
    type,
    hook: { resource: { addr }, ...hook },
  });
}

const step = (addr: string, from: number, to: number, action = "create") => [
  line(from, "apply_start", addr, { action }),
  line(to, "apply_complete", addr),
];

/** bucket (1..3 s) and api (1..2 s), then training (3.5..9.5 s), which runs a script. */
const LOG = [
  line(0, "version"),
  ...step('google_project_service.api["run"]', 1, 2),
  ...step("google_storage_bucket.models_8F2C1A00", 1, 3),
  line(3.5, "apply_start", "null_resource.training", { action: "create" }),
  line(3.5, "provision_start", "null_resource.training"),
  line(3.5, "provision_progress", "null_resource.training", {
    output: EXECUTING,
  }),
  line(9.5, "provision_complete", "null_resource.training"),
  line(9.5, "apply_complete", "null_resource.training"),
  line(10, "change_summary"),
].join("\n");

const GRAPH = `digraph G {
  "google_storage_bucket.models_8F2C1A00" [label="google_storage_bucket.models_8F2C1A00"];
  "null_resource.training" -> "data.google_project.project";
  "data.google_project.project" -> "google_storage_bucket.models_8F2C1A00";
  "null_resource.training" -> "google_project_service.api";
}`;

/** Of 6 s, 1 s until the first question; 2.5 s waiting for answers, 2 s pauses, so 1.5 s own work. */
const CLOCK = JSON.stringify({
  script: "/project/provision/run-training.ts",
  began: ORIGIN + 3600,
  ended: ORIGIN + 9450,
  firstQuestion: ORIGIN + 4500,
  asking: 2500,
  idle: 4500,
  cpu: 800,
});

const LINE = timeline(readApplyLog(LOG), readDependencies(GRAPH), CLOCK);

describe("the Gantt chart of an apply", () => {
  test("has a row for each resource, after the dependency that ended last", () => {
    expect(
      LINE.rows.map(({ address, after, critical }) => [
        address,
        after,
        critical,
      ]),
    ).toEqual([
      ['google_project_service.api["run"]', undefined, false],
      ["google_storage_bucket.models_8F2C1A00", undefined, true],
      // Over a data source, which was read in the plan.
      ["null_resource.training", 1, true],
    ]);
  });

  test("divides the critical path into whose time it was, without a rest", () => {
    expect(breakdown(LINE)).toEqual({
      whole: 10_000,
      planning: 1000,
      provider: 2000,
      asking: 2500,
      pausing: 2000,
      own: 1500,
      startUp: 1000,
      cpu: 800,
      terraform: 1000,
    });
  });

  test("counts all of a provisioner that left no clock as the stack's own", () => {
    const silent = timeline(readApplyLog(LOG), readDependencies(GRAPH), "");

    expect(breakdown(silent)).toMatchObject({ own: 6000, asking: 0 });
  });

  test("gives clocks of a script that ran twice at a time to the runs that they fit", () => {
    const log = [
      ...["null_resource.a", "null_resource.b"].flatMap((addr, index) => [
        line(index, "apply_start", addr, { action: "create" }),
        line(index, "provision_start", addr),
        line(index, "provision_progress", addr, { output: EXECUTING }),
        line(5 - index, "provision_complete", addr),
        line(5 - index, "apply_complete", addr),
      ]),
    ].join("\n");
    const clock = (began: number, ended: number, idle: number) =>
      JSON.stringify({
        ...JSON.parse(CLOCK),
        began: ORIGIN + 1000 * began,
        ended: ORIGIN + 1000 * ended,
        asking: 0,
        idle,
      });
    const { rows } = timeline(
      readApplyLog(log),
      readDependencies(""),
      `${clock(1.1, 3.9, 1000)}\n${clock(0.1, 4.9, 2000)}\n`,
    );

    expect(rows.map(({ time }) => time?.pausing)).toEqual([2000, 1000]);
  });

  test("lets a replacement wait for the end of what it replaces, and that for what refers to it", () => {
    const log = [
      ...step("google_b.b", 0, 2, "delete"),
      ...step("google_a.a", 2, 3, "delete"),
      ...step("google_a.a", 3, 4),
      ...step("google_b.b", 4, 5),
    ].join("\n");
    const { path } = timeline(
      readApplyLog(log),
      readDependencies('  "google_b.b" -> "google_a.a";'),
      "",
    );

    expect(path).toEqual([0, 1, 2, 3]);
  });

  test("is readable in 80 columns", () => {
    const text = ganttText(LINE, 80);

    expect(
      Math.max(
        ...text
          .split("\n")
          .slice(1, 4)
          .map((each) => each.length),
      ),
    ).toBeLessThanOrEqual(82);
    expect(text).toMatch(/ 1 project_service api\["run"\] +▒+ +1\.0 s$/m);
    expect(text).toMatch(/ 2 storage_bucket models +█+ +2\.0 s$/m);
    expect(text).toMatch(/ 3 run-training training +▶+█+ +6\.0 s after 2$/m);
    expect(text).toContain(
      "1.5 s  provisioners' own programs: what the stack adds (1.0 s of it their start, 0.8 s processor time)",
    );
  });

  test("is drawn as a picture whose height fits the rows", () => {
    const folder = mkdtempSync(join(tmpdir(), "tuneserve-gantt-"));
    const png = join(folder, "apply.png");
    applyGantt({
      ...{
        title: "Applying",
        log: LOG,
        graph: GRAPH,
        clocks: join(folder, "none"),
      },
      ...{ png, columns: undefined },
    });
    const picture = PNG.sync.read(readFileSync(png));
    rmSync(folder, { recursive: true });
    const colours = new Set<string>();
    for (let at = 0; at < picture.data.length; at += 4) {
      colours.add(picture.data.subarray(at, at + 3).toString("hex"));
    }

    expect([picture.width, picture.height]).toEqual([2800, 2 * 240]);
    // Critical, not critical.
    expect(colours).toContain("4338ca");
    expect(colours).toContain("94a3b8");
  });

  test("passes over lines that are no messages, and gives back what a person reads", () => {
    expect(readApplyLog(`warning\n{"@level\n${LOG}`).steps).toHaveLength(3);
    expect(readableLog(`plain\n${line(0, "version", "x")}`)).toBe(
      "plain\nx: version",
    );
  });
});

describe("a provisioner's clock", () => {
  test("tells own work, waits for answers and pauses apart", async () => {
    const folder = mkdtempSync(join(tmpdir(), "tuneserve-clock-"));
    const clocks = join(folder, "clocks");
    const script = join(folder, "provision", "ask.ts");
    const server = createServer((_request, response) => {
      setTimeout(() => response.end("yes"), 300);
    });
    await new Promise<void>((ready) => server.listen(0, "127.0.0.1", ready));
    const { port } = server.address() as { port: number };
    mkdirSync(join(folder, "provision"));
    writeFileSync(
      script,
      `const http = require("node:http");
       const busy = Date.now(); while (Date.now() - busy < 200);
       const ask = (then) => http.get("http://127.0.0.1:${port}", (answer) => { answer.resume(); answer.on("end", then); });
       ask(() => setTimeout(() => ask(() => process.exit(0)), 500));`,
    );
    const child = spawn(process.execPath, [script], {
      env: { PATH: process.env["PATH"], ...clocked(clocks) },
      stdio: "inherit",
    });
    await new Promise((ended) => child.on("close", ended));
    server.close();
    const { asking, idle, began, firstQuestion, ended } = JSON.parse(
      readFileSync(clocks, "utf8"),
    );
    rmSync(folder, { recursive: true });

    expect(asking).toBeGreaterThan(590);
    expect(asking).toBeLessThan(900);
    expect(idle - asking).toBeGreaterThan(350);
    expect(firstQuestion - began).toBeGreaterThan(200);
    expect(ended - began - idle).toBeGreaterThan(200);
  }, 20_000);

  test("leaves no line of any other program", () => {
    const clocks = join(tmpdir(), `tuneserve-clock-${process.pid}`);
    const { status } = spawnSync(process.execPath, ["-e", "1"], {
      env: { PATH: process.env["PATH"], ...clocked(clocks) },
    });

    expect(status).toBe(0);
    expect(() => readFileSync(clocks)).toThrow("ENOENT");
  });
});
