import type { Json } from "../state";
import { LATEST } from "./service-fronts";

/**
 * What Cloud Run refuses of a service's traffic.
 *
 * @param revisions - full names of those that there are
 * @param next - short name of the one that this change makes, if it names it
 * @see https://cloud.google.com/run/docs/rollouts-rollbacks-traffic-migration
 */
export function trafficProblems(
  service: string,
  traffic: readonly Json[],
  revisions: readonly string[],
  next: string | undefined,
): string[] {
  const total = traffic.reduce(
    (sum, { percent = 0 }) => sum + Number(percent),
    0,
  );
  const tags: string[] = traffic.flatMap(({ tag }) => tag ?? []);
  return [
    ...(total === 100
      ? []
      : [`traffic: The percentages must add up to 100, not ${total}.`]),
    ...traffic.flatMap(({ type, revision }) => {
      if (type === LATEST) {
        return revision
          ? ["traffic.revision: Must be empty for the latest revision."]
          : [];
      }
      return revision === next ||
        revisions.includes(`${service}/revisions/${revision}`)
        ? []
        : [`traffic.revision: Revision '${revision ?? ""}' does not exist.`];
    }),
    ...(new Set(tags).size < tags.length
      ? ["traffic.tag: Each tag can be used once."]
      : []),
    ...tags
      .filter((tag) => !/^[a-z]([a-z0-9-]{0,44}[a-z0-9])?$/.test(tag))
      .map((tag) => `traffic.tag: '${tag}' is not a valid tag.`),
  ];
}
