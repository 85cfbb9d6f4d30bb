import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { drift } from "../commands/drift";
import { driftedPaths } from "../gates/drift";
import type { Plan, Resource } from "../gates/resource";
import { changeOf } from "./plan-edits";
import { type PlanJson, planFixture } from "./plan-fixtures";

const resource = (changes: Partial<Resource>): Resource => ({
  address: "google_storage_bucket.models",
  mode: "managed",
  type: "google_storage_bucket",
  name: "models",
  values: {},
  unknown: {},
  sensitive: {},
  before: {},
  actions: ["update"],
  replacePaths: [],
  provisioners: [],
  importing: false,
  written: { location: {}, versioning: {}, lifecycle_rule: {} },
  ...changes,
});

const plan = (planned: Resource): Plan => ({
  kind: "plan",
  resources: [planned],
  drift: [],
  outputs: [],
  variables: {},
  providerArguments: {},
  beside: {},
  labels: {},
  providers: {},
  faults: [],
});

/** What is found when `before` became `now`, and the plan makes `next` of it. */
function found(before: object, now: object, next: object = now) {
  return driftedPaths(
    resource({ before: before as never, values: now as never }),
    plan(resource({ before: now as never, values: next as never })),
  );
}

test("what the API counts and the provider fills in is no drift", () => {
  expect(
    found({ etag: "a", execution_count: 0 }, { etag: "b", execution_count: 1 }),
  ).toEqual([]);
  expect(
    found(
      { lifecycle_rule: [{ condition: [{ age: null, with_state: "" }] }] },
      { lifecycle_rule: [{ condition: [{ age: 0, with_state: null }] }] },
    ),
  ).toEqual([]);
  expect(found({ labels: null }, { labels: {} })).toEqual([]);
});

test("fails when something that is written down was changed", () => {
  expect(
    found(
      { versioning: [{ enabled: true }] },
      { versioning: [{ enabled: false }] },
    ),
  ).toEqual(["versioning[0].enabled"]);
});

test("fails when the plan changes back what nobody wrote down", () => {
  expect(found({}, { requester_pays: true }, { requester_pays: null })).toEqual(
    ["requester_pays"],
  );
});

test("fails when the plan cannot tell what becomes of it", () => {
  const now = { requester_pays: true };
  const planned = resource({ unknown: { requester_pays: true } });

  expect(driftedPaths(resource({ values: now }), plan(planned))).toEqual([
    "requester_pays",
  ]);
});

describe("the list of what drifted", () => {
  const SERVICE = "google_cloud_run_v2_service";
  const folder = mkdtempSync(join(tmpdir(), "tuneserve-drift-"));
  afterAll(() => rmSync(folder, { recursive: true }));

  /** A plan of a stack that exists, with what the refresh found. */
  function refreshed(change: PlanJson): PlanJson {
    const plan = planFixture("dev");
    const entry = changeOf(plan, SERVICE);
    Object.assign(entry.change, {
      actions: ["update"],
      before: change.after,
      after: { ...entry.change.after, execution_count: 2 },
      after_unknown: {},
    });
    plan.resource_drift = [{ ...entry, change }];
    return plan;
  }

  async function list(plan: unknown): Promise<string> {
    writeFileSync(join(folder, "plan.json"), JSON.stringify(plan));
    const log = jest.spyOn(console, "log").mockImplementation();
    try {
      await drift(["plan.json"], folder);
      return log.mock.calls.join("\n");
    } finally {
      log.mockRestore();
    }
  }
  const { address } = changeOf(planFixture("dev"), SERVICE);

  test("has addresses and arguments, and no value", async () => {
    const { after } = changeOf(planFixture("dev"), SERVICE).change;

    const said = await list(
      refreshed({
        actions: ["update"],
        before: { ...after, ingress: "secret-1" },
        after: { ...after, ingress: "secret-2" },
      }),
    );

    expect(said).toBe(`- \`${address}\`: \`ingress\``);
  });

  test("has what is gone", async () => {
    const gone = { actions: ["delete"], before: {}, after: null };

    expect(await list(refreshed(gone))).toBe(`- \`${address}\` is gone`);
  });

  test("is empty when nothing differs but what the API counts", async () => {
    const { after } = changeOf(planFixture("dev"), SERVICE).change;
    const counted = {
      actions: ["update"],
      before: { ...after, execution_count: 1, annotations: null },
      after: { ...after, execution_count: 2, annotations: {} },
    };

    expect(await list(planFixture("dev"))).toBe("");
    expect(await list(refreshed(counted))).toBe("");
  });

  test.each([
    ["ended with an error", { errored: true }, /ended with an error/],
    ["has an unknown format", { format_version: "2.0" }, /format_version/],
  ])("fails when the plan %s", async (_, wrong, error) => {
    await expect(list({ ...planFixture("dev"), ...wrong })).rejects.toThrow(
      error,
    );
  });
});
