import { driftedPaths } from "../gates/drift";
import type { Plan, Resource } from "../gates/resource";

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
