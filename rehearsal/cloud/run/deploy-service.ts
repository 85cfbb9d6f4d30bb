import { ApiError } from "../api-error";
import type { Cloud } from "../cloud";
import { randomHex, shortName, timestamp } from "../identifiers";
import type { Json } from "../state";
import { condition } from "./condition";
import { newRevision } from "./revisions";
import { typed } from "./service-json";

/** Starts a revision and, once it is ready, lets it answer. */
export async function deploy(
  cloud: Cloud,
  saved: Json,
  present: Json,
): Promise<Json> {
  const { name, template, generation } = saved;
  const same =
    present["latestReadyRevision"] !== undefined &&
    JSON.stringify(present["template"]) === JSON.stringify(template);
  const suffix = `${generation.padStart(5, "0")}-${randomHex(3)}`;
  const revision = same
    ? present["latestReadyRevision"]
    : newRevision(
        cloud,
        saved,
        template.revision ?? `${shortName(name)}-${suffix}`,
      );
  saved["latestCreatedRevision"] = revision;
  try {
    if (!same) await cloud.fronts.startRevision(revision);
  } catch (error) {
    const { message } = error as Error;
    const told = `Revision '${shortName(revision)}' is not ready and cannot serve traffic. ${message}`;
    Object.assign(saved, {
      terminalCondition: condition("Ready", "FAILED", { message: told }),
      conditions: [
        condition("ConfigurationsReady", "FAILED", { message: told }),
      ],
      reconciling: false,
    });
    throw new ApiError(400, told, { status: "FAILED_PRECONDITION" });
  }
  const before = saved["latestReadyRevision"];
  Object.assign(saved, {
    latestReadyRevision: revision,
    trafficStatuses: await cloud.fronts.route(saved, revision),
    terminalCondition: condition("Ready", "SUCCEEDED"),
    conditions: [
      condition("RoutesReady", "SUCCEEDED"),
      condition("ConfigurationsReady", "SUCCEEDED"),
    ],
    reconciling: false,
    updateTime: timestamp(),
  });
  if (before !== undefined && before !== revision) {
    await cloud.fronts.retire(saved, before);
  }
  return typed(saved);
}
