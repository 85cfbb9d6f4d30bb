import { monthlyCost } from "../gates/cost/monthly-cost";
import { hourlyPrice, priceDate } from "../gates/cost/price-table";
import { trainingCost } from "../gates/cost/training-cost";
import type { Plan, Resource } from "../gates/resource";

/** One L4 with 8 vCPU and 32 GiB, an hour in us-central1. */
const HOUR = 3600 * (0.0001867 + 8 * 0.000018 + 32 * 0.000002);
const REDUNDANT_HOUR = 3600 * (0.0002909 + 8 * 0.000018 + 32 * 0.000002);

const limits = (gpu = "1", cpu = "8", memory = "32Gi") => ({
  resources: [{ limits: { cpu, memory, "nvidia.com/gpu": gpu } }],
});

/** A service as a plan has it, with blocks as lists. */
function service(template = {}, values = {}): Record<string, unknown> {
  return {
    name: "serve",
    location: "us-central1",
    scaling: [{ min_instance_count: 0 }],
    template: [
      {
        containers: [limits()],
        gpu_zonal_redundancy_disabled: true,
        node_selector: [{ accelerator: "nvidia-l4" }],
        scaling: [{ max_instance_count: 2, min_instance_count: null }],
        ...template,
      },
    ],
    ...values,
  };
}

function resource(changes: Partial<Resource> = {}): Resource {
  const type = changes.type ?? "google_cloud_run_v2_service";
  return {
    address: `${type}.a`,
    mode: "managed",
    type,
    name: "a",
    values: service(),
    unknown: {},
    sensitive: {},
    before: null,
    actions: ["create"],
    replacePaths: [],
    provisioners: [],
    importing: false,
    ...changes,
  };
}

function plan(...resources: Resource[]): Plan {
  return {
    kind: "plan",
    resources,
    drift: [],
    outputs: [],
    variables: {},
    providerArguments: {},
    beside: {},
    labels: {},
    providers: {},
    faults: [],
  };
}

const monthly = (template = {}, values = {}, changes = {}) =>
  monthlyCost(
    plan(resource({ values: service(template, values), ...changes })),
  );

describe("serving", () => {
  test("costs nothing at least and its maximum at most, when it goes to zero", () => {
    const { after, before } = monthly();

    expect(after.floor).toBe(0);
    expect(after.ceiling).toBeCloseTo(2 * HOUR * 730, 6);
    expect(before).toEqual({ floor: 0, ceiling: 0 });
  });

  test.each([
    ["the service", {}, { scaling: [{ min_instance_count: 1 }] }],
    [
      "the revision",
      { scaling: [{ max_instance_count: 2, min_instance_count: 1 }] },
      {},
    ],
  ])("costs what a minimum of %s keeps up", (_, template, values) => {
    expect(monthly(template, values).after.floor).toBeCloseTo(HOUR * 730, 6);
  });

  test("costs more with zonal redundancy, which is the default", () => {
    const { services } = monthly({ gpu_zonal_redundancy_disabled: null });

    expect(services[0]?.hourly).toBeCloseTo(REDUNDANT_HOUR, 8);
  });

  test("counts the CPU and memory of every container", () => {
    const sidecar = {
      resources: [{ limits: { cpu: "1000m", memory: "512Mi" } }],
    };
    const { services } = monthly({ containers: [limits(), sidecar] });

    expect(services[0]?.hourly).toBeCloseTo(
      HOUR + 3600 * (0.000018 + 0.5 * 0.000002),
      8,
    );
  });

  test("costs nothing once it is deleted, and did before", () => {
    const { after, before } = monthly(
      {},
      {},
      {
        values: {},
        before: service(),
        actions: ["delete"],
      },
    );

    expect(after).toEqual({ floor: 0, ceiling: 0 });
    expect(before.ceiling).toBeCloseTo(2 * HOUR * 730, 6);
  });

  test("goes on to cost when it is only forgotten", () => {
    const { after } = monthly(
      {},
      {},
      {
        values: {},
        before: service(),
        actions: ["forget"],
      },
    );

    expect(after.ceiling).toBeCloseTo(2 * HOUR * 730, 6);
  });

  test("is not counted without a GPU", () => {
    const { services } = monthly({
      containers: [{ resources: [{ limits: { cpu: "1", memory: "1Gi" } }] }],
      node_selector: [],
    });

    expect(services).toEqual([]);
  });

  // Never a cost of zero for want of a price.
  test.each<[string, object, object, object]>([
    [
      "another GPU",
      { node_selector: [{ accelerator: "nvidia-h100" }] },
      {},
      {},
    ],
    ["no kind of GPU", { node_selector: [] }, {}, {}],
    ["two GPUs", { containers: [limits("2")] }, {}, {}],
    ["another region", {}, { location: "asia-south1" }, {}],
    ["no region", {}, { location: null }, {}],
    ["memory in words", { containers: [limits("1", "8", "a lot")] }, {}, {}],
    ["no CPU", { containers: [limits("1", "")] }, {}, {}],
    ["no maximum", { scaling: [] }, {}, {}],
    [
      "a maximum that is not known yet",
      {},
      {},
      { unknown: { template: [{ scaling: [{ max_instance_count: true }] }] } },
    ],
    [
      "a template that is not known yet",
      {},
      { template: null },
      { unknown: { template: true } },
    ],
  ])("has no known ceiling with %s", (_, template, values, changes) => {
    const cost = monthly(template, values, changes);

    expect(cost.services).toHaveLength(1);
    expect(cost.after.ceiling).toBeUndefined();
  });

  test("has no known cost where one of several is not known", () => {
    const cost = monthlyCost(
      plan(
        resource(),
        resource({
          address: "b",
          values: service({}, { location: "asia-south1" }),
        }),
      ),
    );

    expect(cost.services).toHaveLength(2);
    expect(cost.after.ceiling).toBeUndefined();
  });

  test("by another kind of resource has no known cost", () => {
    const cost = monthlyCost(
      plan(resource({ type: "google_cloud_run_v2_worker_pool" })),
    );

    expect(cost.after).toEqual({ floor: undefined, ceiling: undefined });
  });
});

describe("training", () => {
  const job = (template = {}, more = {}) =>
    trainingCost(
      resource({
        type: "google_cloud_run_v2_job",
        values: {
          location: "us-central1",
          template: [
            {
              task_count: 1,
              ...more,
              template: [
                {
                  containers: [limits()],
                  gpu_zonal_redundancy_disabled: true,
                  node_selector: [{ accelerator: "nvidia-l4" }],
                  timeout: "1800s",
                  max_retries: 1,
                  ...template,
                },
              ],
            },
          ],
        },
      }),
    );

  test("costs at most time limit times attempts times rate", () => {
    expect(job().upperBound).toBeCloseTo(0.5 * 2 * HOUR, 8);
  });

  test("costs it for every task", () => {
    expect(job({}, { task_count: 3 }).upperBound).toBeCloseTo(3 * HOUR, 8);
  });

  test("has three retries and ten minutes where nothing is said", () => {
    expect(job({ max_retries: null, timeout: null })).toMatchObject({
      attempts: 4,
      timeoutSeconds: 600,
    });
  });

  test("that is never tried again costs one attempt", () => {
    expect(job({ max_retries: 0 }).attempts).toBe(1);
  });

  test("has no known bound without a price", () => {
    expect(
      job({ node_selector: [{ accelerator: "nvidia-rtx-pro-6000" }] })
        .upperBound,
    ).toBeUndefined();
  });
});

describe("prices", () => {
  const instance = {
    size: { accelerator: "nvidia-l4", cpu: 8, memory: "32Gi" },
    region: "us-central1",
    redundant: false,
  } as const;

  test("are those of the region's tier", () => {
    expect(hourlyPrice(instance)).toBeCloseTo(HOUR, 8);
    expect(hourlyPrice({ ...instance, region: "europe-west4" })).toBeCloseTo(
      HOUR,
      8,
    );
    expect(
      hourlyPrice({ ...instance, region: "asia-southeast1" }),
    ).toBeUndefined();
  });

  test.each([
    ["2026-08-31", false],
    ["2026-11-29", false],
    ["2026-12-01", true],
    ["2028-01-01", true],
  ])("on %s: older than 90 days is %j", (day, stale) => {
    expect(priceDate(new Date(day))).toEqual({ of: "2026-08", stale });
  });
});
