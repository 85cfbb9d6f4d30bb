import { ApiError } from "../api-error";
import type { Handlers } from "../call";
import type { Cloud } from "../cloud";
import { queriedPage } from "../page-of";
import { type Quota, quotasOf } from "../run/quota";
import type { Json } from "../state";

/**
 * Quotas of Cloud Run.
 *
 * @see https://cloud.google.com/service-usage/docs/reference/rest/v1beta1/services.consumerQuotaMetrics
 */
export const quotaMetrics: Handlers = {
  "serviceusage.services.consumerQuotaMetrics.list": (call, cloud) => {
    const service = existingService(cloud, call.path["parent"]!);
    const all =
      service === "run.googleapis.com" ? quotasOf(cloud.settings) : [];
    const { items, next } = queriedPage(all, call, 2500);
    return {
      ...(items.length > 0
        ? { metrics: items.map((quota) => metric(cloud, quota)) }
        : {}),
      ...next,
    };
  },

  "serviceusage.services.consumerQuotaMetrics.get": ({ path }, cloud) => {
    const name = path["name"]!;
    existingService(cloud, name);
    const found = quotasOf(cloud.settings)
      .map((quota) => metric(cloud, quota))
      .find((each) => decodeURIComponent(name).endsWith(`/${each["metric"]}`));
    if (found === undefined) {
      throw new ApiError(404, `Quota metric ${name} not found.`);
    }
    return found;
  },
};

/** @throws ApiError where the service is not enabled: then it has no quotas for the project */
function existingService({ state, project }: Cloud, name: string): string {
  const service = name.split("/")[3] ?? "";
  if (state.apis[service] === undefined) {
    throw new ApiError(
      403,
      `Service ${service} is not enabled for consumer ${project}.`,
      { reason: "SERVICE_NOT_ENABLED" },
    );
  }
  return service;
}

function metric({ settings }: Cloud, quota: Quota): Json {
  const { projectNumber, region } = settings;
  const metric = `run.googleapis.com/${quota.metric}`;
  const name = `projects/${projectNumber}/services/run.googleapis.com/consumerQuotaMetrics/${encodeURIComponent(metric)}`;
  const limit = String(quota.limit);
  return {
    name,
    metric,
    displayName: quota.displayName,
    unit: quota.unit,
    consumerQuotaLimits: [
      {
        name: `${name}/limits/%2Fproject%2Fregion`,
        metric,
        unit: "1/{project}/{region}",
        isPrecise: true,
        allowsAdminOverrides: false,
        quotaBuckets: [
          { effectiveLimit: "0", defaultLimit: "0" },
          {
            effectiveLimit: limit,
            defaultLimit: limit,
            dimensions: { region },
          },
        ],
        supportedLocations: [region],
      },
    ],
  };
}
