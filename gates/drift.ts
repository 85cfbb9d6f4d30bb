import { leaves } from "./attribute";
import { own } from "./json";
import { isDeleted, type Plan, type Resource } from "./resource";

/** A resource that is another than the last apply left it. */
export interface Drift {
  readonly address: string;

  /** Whether it is gone. */
  readonly deleted: boolean;

  /** What of it was changed, such as `template[0].containers[0].image`. */
  readonly paths: readonly string[];
}

/** What was changed outside of Terraform since the last apply. */
export function drifts(plan: Plan): Drift[] {
  return plan.drift
    .map((resource) => {
      const deleted = isDeleted(resource);
      return {
        address: resource.address,
        deleted,
        paths: deleted ? [] : driftedPaths(resource, plan),
      };
    })
    .filter(({ deleted, paths }) => deleted || paths.length > 0);
}

/**
 * Paths of what somebody else changed since the last apply, as far as it
 * matters: what the configuration writes down, and what this plan would change
 * back. The rest of `resource_drift` is noise that every apply leaves: counters
 * and etags of the API, and null that the provider reads back as 0.
 */
export function driftedPaths(drifted: Resource, plan: Plan): string[] {
  const planned = plan.resources.find(
    ({ address, deposed }) =>
      address === drifted.address && deposed === drifted.deposed,
  );
  const [old, now, next] = [
    drifted.before ?? {},
    drifted.values,
    planned?.values ?? drifted.values,
  ].map((values) => new Map(leaves(values).map((l) => [l.path, l.value])));
  const unknown = leaves(planned?.unknown ?? {}).map(({ path }) => path);
  return [...new Set([...old!.keys(), ...now!.keys()])].filter((path) => {
    const [before, after] = [old!.get(path), now!.get(path)];
    if (before === after || (isZero(before) && isZero(after))) return false;
    const attribute = /^[^.[]+/.exec(path)![0];
    return (
      // A configuration that cannot be read hides nothing.
      drifted.written === undefined ||
      own(drifted.written, attribute) !== undefined ||
      next!.get(path) !== after ||
      unknown.some((at) => path.startsWith(at))
    );
  });
}

/** What the API leaves out and the provider fills in, or the reverse. */
function isZero(value: unknown): boolean {
  return [undefined, null, 0, false, ""].includes(value as null);
}
