import { ApiError } from "../api-error";
import type { Cloud } from "../cloud";
import { withMask } from "../field-mask";
import { shortName, timestamp } from "../identifiers";
import type { Json } from "../state";

/** Fields of a job or service that its owner sets. */
const OWN = [
  "description",
  "labels",
  "annotations",
  "client",
  "clientVersion",
  "ingress",
  "launchStage",
  "binaryAuthorization",
  "template",
  "traffic",
  "scaling",
  "invokerIamDisabled",
  "defaultUriDisabled",
  "customAudiences",
  "iapEnabled",
];

/** @throws ApiError for a name that Cloud Run does not take */
export function checkId(kind: "job" | "service", id: string | null): string {
  if (id === null || !/^[a-z]([a-z0-9-]{0,47}[a-z0-9])?$/.test(id)) {
    throw new ApiError(
      400,
      `${kind}_id: '${id ?? ""}' is not valid: it must begin with a letter, consist of lowercase letters, digits and hyphens, not end with a hyphen, and have less than 50 characters.`,
    );
  }
  return id;
}

/** What is asked for with an update: the present resource with the masked fields replaced. */
export function masked(present: Json, body: Json, mask: string | null): Json {
  if (!mask) {
    return body;
  }
  const own = Object.fromEntries(
    OWN.filter((field) => field in present).map((field) => [
      field,
      present[field],
    ]),
  );
  return withMask(own, body, mask);
}

/** @throws ApiError where somebody else changed it meanwhile */
export function requireEtag(
  present: Json,
  seen: string | null | undefined,
): void {
  if (seen && seen !== present["etag"]) {
    throw new ApiError(
      409,
      `Conflict for resource '${shortName(present["name"])}': etag '${seen}' was specified but the current one is '${present["etag"]}'.`,
      { status: "ABORTED" },
    );
  }
}

/** The fields that jobs and services have in common. */
export function resource(
  { settings }: Cloud,
  name: string,
  asked: Json,
  present: Json,
): Json {
  const generation = String(Number(present["generation"] ?? 0) + 1);
  const own = Object.fromEntries(
    OWN.filter((field) => field in asked).map((field) => [field, asked[field]]),
  );
  return {
    ...own,
    name,
    generation,
    observedGeneration: generation,
    createTime: present["createTime"] ?? timestamp(),
    updateTime: timestamp(),
    creator: present["creator"] ?? settings.user,
    lastModifier: settings.user,
    // Whatever stage is asked for, the answer is that of the features used.
    launchStage: "GA",
  };
}
