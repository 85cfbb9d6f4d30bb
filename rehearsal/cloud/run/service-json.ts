import type { Json } from "../state";
import { protoJson } from "./proto-json";

const TYPE = "type.googleapis.com/google.cloud.run.v2.Service";

/** The service's own scaling is told with its zero. */
export function serviceJson(found: Json): Json {
  const json = protoJson(found);
  return { ...json, scaling: { manualInstanceCount: 0, ...json["scaling"] } };
}

/** As operations carry it. */
export function typed(found: Json): Json {
  return { "@type": TYPE, ...serviceJson(found) };
}
