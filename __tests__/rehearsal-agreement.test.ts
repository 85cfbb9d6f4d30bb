import type { Cloud } from "../rehearsal/cloud/cloud";
import { type CloudState, emptyState } from "../rehearsal/cloud/state";
import {
  disagreements,
  type Expected,
  type TerraformState,
} from "../rehearsal/interruptions/agreement";

const JOB = "projects/p/locations/r/jobs/j";
const BUDGET = "billingAccounts/a/budgets/b";

/** A cloud after a deploy, as far as it is compared. */
function deployed(): CloudState {
  return {
    ...emptyState(),
    buckets: { models: {}, states: {} },
    jobs: { [JOB]: {} },
    kept: { [BUDGET]: {} },
    executions: {
      one: {
        name: "one",
        labels: { "run-id": "0" },
        succeededCount: 1,
        completionTime: "t",
      },
    },
    images: ["trainer", "vllm", "write-check"].map((name) => ({
      ...{ name: `r/${name}`, digest: "d", tags: [], uploadTime: "t" },
      ...{ sizeBytes: 1, folder: "/" },
    })),
    objects: { models: [{ name: "m/0/_SUCCESS" } as any] },
  };
}

const resource = (type: string, attributes: object) => ({
  mode: "managed",
  type,
  instances: [{ attributes }],
});
const STATE: TerraformState = {
  resources: [
    resource("google_storage_bucket", { name: "models" }),
    resource("google_cloud_run_v2_job", { name: "j" }),
    resource("google_billing_budget", { name: BUDGET }),
  ],
};

const problems = (
  change: (cloud: CloudState) => unknown = () => undefined,
  expected: Expected = {},
) => {
  const state = deployed();
  change(state);
  return disagreements({ state } as Cloud, STATE, {
    apart: ["states"],
    ...expected,
  });
};

describe("a cloud and a state after a deploy", () => {
  test("agree, where each has what the other has", () => {
    expect(problems()).toEqual([]);
  });

  test("may have executions that were to fail", () => {
    const change = ({ executions }: CloudState) =>
      (executions["two"] = { name: "two", completionTime: "t" });

    expect(problems(change, { failedExecutions: 1 })).toEqual([]);
    expect(problems(change)).toEqual([
      "2 executions, of run 0, of which 1 succeeded",
    ]);
  });

  test.each<[string, (cloud: CloudState) => unknown, string]>([
    [
      "the cloud has an account that nobody manages",
      ({ accounts }) => (accounts["a@p"] = {}),
      "accounts not in the state: a@p",
    ],
    [
      "a second budget was made",
      ({ kept }) => (kept["billingAccounts/a/budgets/c"] = {}),
      "budgets not in the state: c",
    ],
    [
      "a channel was left behind",
      ({ kept }) => (kept["projects/p/notificationChannels/1"] = {}),
      "notificationChannels not in the state: 1",
    ],
    [
      "the state has a job that is gone",
      ({ jobs }) => delete jobs[JOB],
      "jobs only in the state: j",
    ],
    [
      "a bucket is neither the stack's nor the state's",
      ({ buckets }) => (buckets["other"] = {}),
      "buckets not in the state: other",
    ],
    [
      "a version of the token is left",
      ({ secretVersions }) =>
        (secretVersions["s/versions/2"] = {
          version: { name: "s/versions/2", state: "ENABLED" },
        }),
      "token versions not in the state: 2",
    ],
    [
      "a build goes on",
      ({ builds }) => (builds["b"] = { name: "b" }),
      "still at work: b",
    ],
    [
      "an image was built twice",
      ({ images }) => images.push(images[0]!),
      "images: r/trainer, r/vllm, r/trainer",
    ],
    [
      "a model was trained twice",
      ({ objects }) => objects["models"]!.push({ name: "m/1/_SUCCESS" } as any),
      "2 trained versions",
    ],
  ])("fails when %s", (_why, change, problem) => {
    expect(problems(change)).toEqual([problem]);
  });
});
