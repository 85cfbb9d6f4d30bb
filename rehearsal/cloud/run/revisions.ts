import { ApiError } from "../api-error";
import type { Handlers } from "../call";
import type { Cloud } from "../cloud";
import { nextNumber, shortName, timestamp } from "../identifiers";
import { queriedPage } from "../page-of";
import type { Json } from "../state";
import { condition } from "./condition";
import { protoJson } from "./proto-json";

/** @see https://cloud.google.com/run/docs/reference/rest/v2/projects.locations.services.revisions */
export const revisions: Handlers = {
  "run.projects.locations.services.revisions.list": (call, { state }) => {
    const found = Object.values(state.revisions)
      .filter(({ name }) => name.startsWith(`${call.path["parent"]}/`))
      .reverse();
    const { items, next } = queriedPage(found, call, 100);
    return {
      ...(items.length > 0 ? { revisions: items.map(protoJson) } : {}),
      ...next,
    };
  },

  "run.projects.locations.services.revisions.get": ({ path }, { state }) => {
    const found = state.revisions[path["name"]!];
    if (found === undefined) {
      throw new ApiError(404, `Resource ${path["name"]} does not exist.`);
    }
    return protoJson(found);
  },
};

/** @returns its full name */
export function newRevision(
  { state }: Cloud,
  service: Json,
  id: string,
): string {
  const name = `${service["name"]}/revisions/${id}`;
  if (state.revisions[name]) {
    throw new ApiError(409, `Revision named '${id}' already exists.`);
  }
  const { template } = service;
  state.revisions[name] = {
    ...template,
    name,
    uid: String(nextNumber()),
    generation: "1",
    observedGeneration: "1",
    service: shortName(service["name"]),
    createTime: timestamp(),
    updateTime: timestamp(),
    launchStage: "GA",
    conditions: [condition("Ready", "RECONCILING")],
  };
  return name;
}
