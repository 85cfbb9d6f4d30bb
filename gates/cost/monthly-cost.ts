import { attribute } from "../attribute";
import { instances } from "../instances";
import { isDeleted, type Plan, remains, type Resource } from "../resource";
import { gpus, workloads } from "../workload";
import { gpuInstance, type Values, valuesBefore } from "./gpu-instance";
import { HOURS_A_MONTH, hourlyPrice } from "./price-table";

/** What a service costs a month, in US dollars; undefined where not known. */
export interface ServingCost {
  /** With as many instances as always run. */
  readonly floor: number | undefined;

  /** With as many as may ever run, all month. */
  readonly ceiling: number | undefined;
}

/** A GPU service and its cost before and after the apply. */
export interface ServingCostChange {
  readonly address: string;
  readonly service: string;
  readonly minimum: number | undefined;
  readonly maximum: number | undefined;

  /** US dollars an hour of one instance; undefined where not known. */
  readonly hourly: number | undefined;
  readonly after: ServingCost;
  readonly before: ServingCost;
}

/** What all GPU services of a plan cost a month, in US dollars. */
export interface MonthlyCost {
  readonly services: readonly ServingCostChange[];

  /** Sums are not known as soon as one part is not. */
  readonly after: ServingCost;
  readonly before: ServingCost;
}

const SERVICE = "google_cloud_run_v2_service";
const NOTHING: ServingCost = { floor: 0, ceiling: 0 };
const UNKNOWN: ServingCost = { floor: undefined, ceiling: undefined };

/** Floor and ceiling of what serving costs a month, and what they were. */
export function monthlyCost(plan: Plan): MonthlyCost {
  const services = [
    ...plan.resources.filter(({ type }) => type === SERVICE).flatMap(service),
    ...workloads(plan)
      .filter((w) => w.kind !== "job" && w.resource.type !== SERVICE)
      .filter((workload) => gpus(workload) !== undefined)
      .map(({ resource }) => ofUnknownPrice(resource)),
  ];
  return {
    services,
    after: total(services.map(({ after }) => after)),
    before: total(services.map(({ before }) => before)),
  };
}

function service(resource: Resource): ServingCostChange[] {
  const before = valuesBefore(resource);
  // What is only forgotten goes on and costs what it did.
  const after = remains(resource)
    ? resource
    : isDeleted(resource)
      ? undefined
      : before;
  const hourly = (values: Values | undefined) => {
    const instance = values && gpuInstance(SERVICE, values);
    return instance && hourlyPrice(instance);
  };
  const hasGpu = [before, after].some((v) => v && gpuInstance(SERVICE, v));
  if (!hasGpu) return [];
  const name = attribute(after ?? before ?? resource, ["name"])?.value;
  return [
    {
      address: resource.address,
      service: typeof name === "string" ? name : resource.name,
      minimum: after && instances(SERVICE, after).least,
      maximum: after && instances(SERVICE, after).most,
      hourly: hourly(after),
      after: after ? cost(after, hourly(after)) : NOTHING,
      before: before ? cost(before, hourly(before)) : NOTHING,
    },
  ];
}

/** Kinds of workloads that the stack never has: what they cost is not worked out. */
function ofUnknownPrice(resource: Resource): ServingCostChange {
  const { address, type, name, before } = resource;
  const { least, most } = instances(type, resource);
  return {
    address,
    service: name,
    minimum: least,
    maximum: most,
    hourly: undefined,
    after: UNKNOWN,
    before: before === null ? NOTHING : UNKNOWN,
  };
}

function cost(values: Values, hourly: number | undefined): ServingCost {
  if (gpuInstance(SERVICE, values) === undefined) return NOTHING;
  const month = (count: number | undefined) => {
    if (count === 0) return 0;
    return count === undefined || hourly === undefined
      ? undefined
      : count * hourly * HOURS_A_MONTH;
  };
  const { least, most } = instances(SERVICE, values);
  return { floor: month(least), ceiling: month(most) };
}

function total(parts: readonly ServingCost[]): ServingCost {
  return {
    floor: sum(parts.map(({ floor }) => floor)),
    ceiling: sum(parts.map(({ ceiling }) => ceiling)),
  };
}

/** Not known as soon as one part is not. */
export function sum(
  parts: readonly (number | undefined)[],
): number | undefined {
  return parts.reduce<number | undefined>(
    (total, part) =>
      total === undefined || part === undefined ? undefined : total + part,
    0,
  );
}
