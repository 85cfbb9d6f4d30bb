import { attribute } from "./attribute";
import type { Resource } from "./resource";
import { inTemplate } from "./workload";

/** How many instances of a service or worker pool there are. */
export interface Instances {
  /** That always run; undefined where it is not known. */
  readonly least: number | undefined;

  /** That may ever run; undefined where it is not known, or nothing limits them. */
  readonly most: number | undefined;
}

type Values = Pick<Resource, "values" | "unknown">;

/**
 * Instances by everything that decides about them. A service has a minimum and a
 * maximum and each revision another: the larger minimum is paid, the smaller
 * maximum holds. A number that is set by hand is both.
 *
 * @see https://cloud.google.com/run/docs/configuring/services/manual-scaling
 */
export function instances(type: string, values: Values): Instances {
  const mode = attribute(values, ["scaling", "scaling_mode"]);
  const [manual, least, most] = [
    [["scaling", "manual_instance_count"], onService("manualInstanceCount")],
    [
      ["scaling", "min_instance_count"],
      inTemplate(type, "scaling", "min_instance_count"),
      onService("minScale"),
      onRevision("minScale"),
    ],
    [
      ["scaling", "max_instance_count"],
      inTemplate(type, "scaling", "max_instance_count"),
      onService("maxScale"),
      onRevision("maxScale"),
    ],
  ].map((places) => counts(values, places));
  if (mode?.value === "MANUAL") {
    return { least: manual?.[0], most: manual?.[0] };
  }
  if (manual === undefined || mode?.known === false) {
    return { least: undefined, most: undefined };
  }
  // What scales by itself reads 0 back, as does a maximum that nobody set.
  const byHand = mode?.value === "AUTOMATIC" ? 0 : Math.max(0, ...manual);
  const limits = most?.filter((count) => count > 0) ?? [];
  return byHand > 0
    ? { least: byHand, most: byHand }
    : {
        least: least && Math.max(0, ...least),
        most: limits.length === 0 ? undefined : Math.min(...limits),
      };
}

/** The first version of the API has annotations instead. */
function onService(key: string): string[] {
  return ["metadata", "annotations", `run.googleapis.com/${key}`];
}

function onRevision(key: string): string[] {
  return [
    ...["template", "metadata", "annotations"],
    `autoscaling.knative.dev/${key}`,
  ];
}

/** The numbers that are set; undefined as soon as one of them is not known. */
function counts(
  values: Values,
  places: readonly string[][],
): number[] | undefined {
  const found = places
    .map((place) => attribute(values, place))
    .filter((place) => place !== undefined);
  const numbers = found.map(({ value }) => Number(value));
  return found.every(({ known }) => known) && !numbers.some(Number.isNaN)
    ? numbers
    : undefined;
}
