import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { lastMetricsOf } from "../commands/last-metrics";
import type { GoogleClient, GoogleRequest } from "../provision/google-client";

const JOB = "google_cloud_run_v2_job.a";

/** A plan that replaces the training step of one model. */
function planJson(runBefore: string | null): object {
  const env = [{ name: "OUTPUT_URI", value: "gs://models/sql/new" }];
  const job = { template: [{ template: [{ containers: [{ env }] }] }] };
  const triggers = (id: string) => ({ triggers: { run_id: id } });
  return {
    format_version: "1.2",
    errored: false,
    complete: true,
    planned_values: {},
    resource_changes: [
      {
        address: JOB,
        type: "google_cloud_run_v2_job",
        name: "a",
        change: { actions: ["no-op"], before: job, after: job },
      },
      {
        address: "null_resource.run",
        type: "null_resource",
        name: "run",
        change: {
          actions: runBefore ? ["delete", "create"] : ["create"],
          before: runBefore && triggers(runBefore),
          after: triggers("new"),
        },
      },
    ],
    configuration: {
      root_module: {
        resources: [
          {
            address: "null_resource.run",
            provisioners: [
              {
                type: "local-exec",
                expressions: {
                  command: { constant_value: "provision/run-training.ts" },
                  environment: {
                    constant_value: { MODEL: "sql" },
                    references: [`${JOB}.name`, JOB],
                  },
                },
              },
            ],
          },
        ],
      },
    },
  };
}

/** What the command prints for a plan, and what it asked the bucket for. */
async function run(plan: object, answer: () => unknown) {
  const root = mkdtempSync(path.join(tmpdir(), "tuneserve-metrics-"));
  writeFileSync(path.join(root, "plan.json"), JSON.stringify(plan));
  const asked: GoogleRequest[] = [];
  const google = {
    request: async (request: GoogleRequest) => {
      asked.push(request);
      return answer();
    },
  } as unknown as GoogleClient;
  const log = jest.spyOn(console, "log").mockImplementation();
  const error = jest.spyOn(console, "error").mockImplementation();
  try {
    const code = await lastMetricsOf(["plan.json"], { root, google });
    return {
      code,
      asked: asked.map((request) => request.path),
      printed: JSON.parse(log.mock.calls[0]?.[0]),
      said: error.mock.calls.join("\n"),
    };
  } finally {
    jest.restoreAllMocks();
    rmSync(root, { recursive: true });
  }
}

test("prints the metrics of the run before, by model", async () => {
  const metrics = { train_seconds: 600 };
  const { asked, printed } = await run(planJson("old"), () => metrics);

  expect(asked).toEqual(["b/models/o/sql%2Fold%2Fmetrics.json"]);
  expect(printed).toEqual({ sql: metrics });
});

test("asks for nothing when nothing was trained before", async () => {
  const { asked, printed } = await run(planJson(null), () => ({}));

  expect(asked).toEqual([]);
  expect(printed).toEqual({});
});

test("says what could not be read, and stops nothing", async () => {
  const { code, printed, said } = await run(planJson("old"), () => {
    throw new Error("403: no access");
  });

  expect(code).toBe(0);
  expect(printed).toEqual({});
  expect(said).toContain("sql/old/metrics.json): 403: no access");
});
