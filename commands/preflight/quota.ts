import type { Accelerator } from "../../constructs/gpu-shapes";
import type { EnvironmentSettings } from "../../constructs/settings";
import { BRIEFLY, type Check, type Finding } from "./finding";

interface QuotaMetric {
  readonly metric: string;
  readonly consumerQuotaLimits?: ReadonlyArray<{
    readonly quotaBuckets?: ReadonlyArray<{
      /** A number as text; -1 is without limit. */
      readonly effectiveLimit?: string;
      readonly dimensions?: Readonly<Record<string, string>>;
    }>;
  }>;
}

/** What must fit at the same time. */
interface Need {
  /** For the first deployment: one training, then the services. */
  readonly least: number;
  /** For a training, or a roll-out, beside services that run. */
  readonly most: number;
}

const GPU_METRIC: Record<Accelerator, string> = {
  "nvidia-l4": "nvidia_l4_gpu_allocation_no_zonal_redundancy",
  "nvidia-rtx-pro-6000":
    "nvidia_rtx_pro_6000_gpu_allocation_no_zonal_redundancy",
};

const REQUEST =
  "https://console.cloud.google.com/iam-admin/quotas?service=run.googleapis.com";

/**
 * Quotas of Cloud Run in the region, against what the job, the services and a
 * roll-out need. Read through the Service Usage API, which is on in any case,
 * and not the Cloud Quotas API, which is not.
 *
 * @see
 * https://cloud.google.com/service-usage/docs/reference/rest/v1beta1/services.consumerQuotaMetrics/list
 */
export const quotas: Check = async ({ settings, google }) => {
  const { projectId, region } = settings;
  const metrics: QuotaMetric[] = [];
  for (let pageToken: string | undefined = ""; pageToken !== undefined; ) {
    const page: { metrics?: QuotaMetric[]; nextPageToken?: string } =
      await google.request({
        service: "serviceusage",
        // Quotas are in this version alone.
        path: `../v1beta1/projects/${projectId}/services/run.googleapis.com/consumerQuotaMetrics`,
        query: { pageSize: "200", ...(pageToken ? { pageToken } : {}) },
        retry: BRIEFLY,
      });
    metrics.push(...(page.metrics ?? []));
    pageToken = page.nextPageToken || undefined;
  }
  const limit = (pattern: RegExp) => limitOf(metrics, pattern, region);

  const findings: Finding[] = [];
  for (const [accelerator, name] of Object.entries(GPU_METRIC)) {
    const need = gpus(settings, accelerator as Accelerator);
    if (need.most === 0) continue;
    const raw = limit(new RegExp(`/${name}$`));
    // The RTX metric counts thousandths; the L4 metric has been seen both ways.
    const milli = accelerator !== "nvidia-l4" || (raw ?? 0) >= 1000;
    const have = raw !== null && raw > 0 && milli ? raw / 1000 : raw;
    findings.push(verdict(`quota ${name} in ${region}`, have, need, "GPUs"));
  }
  const cpu = limit(/\/cpu_alloc(ation)?$/);
  const memory = limit(/\/mem(ory)?_alloc(ation)?$/);
  const cores = size(settings, (container) => container.cpu);
  const gib = size(settings, ({ memory: text }) => parseInt(text, 10));
  findings.push(
    verdict(`CPU quota in ${region}`, scaled(cpu, 1000), cores, "vCPU"),
    verdict(`memory quota in ${region}`, scaled(memory, 2 ** 30), gib, "GiB"),
  );
  return findings;
};

function scaled(limit: number | null, unit: number): number | null {
  return limit === null || limit < 0 ? limit : limit / unit;
}

/**
 * The region's limit, or the one that holds where the region has none of its
 * own.
 */
function limitOf(
  metrics: readonly QuotaMetric[],
  pattern: RegExp,
  region: string,
): number | null {
  const buckets = metrics
    .filter(({ metric }) => pattern.test(metric))
    .flatMap(({ consumerQuotaLimits = [] }) => consumerQuotaLimits)
    .flatMap(({ quotaBuckets = [] }) => quotaBuckets);
  const bucket =
    buckets.find(({ dimensions }) => dimensions?.["region"] === region) ??
    buckets.find(
      ({ dimensions }) => Object.keys(dimensions ?? {}).length === 0,
    );
  return bucket?.effectiveLimit === undefined
    ? null
    : Number(bucket.effectiveLimit);
}

type Model = EnvironmentSettings["models"][string];

function gpus(settings: EnvironmentSettings, accelerator: Accelerator): Need {
  return size(settings, (container) =>
    container.accelerator === accelerator ? 1 : 0,
  );
}

/** Adds up what jobs and services take, in one unit. */
function size(
  { models }: EnvironmentSettings,
  of: (container: Model["training"] | Model["serving"]) => number,
): Need {
  const all = Object.values(models);
  // Terraform trains several models side by side.
  const training = all
    .filter(({ pin }) => pin === undefined)
    .reduce((sum, model) => sum + of(model.training), 0);
  const serving = all.reduce(
    (sum, { serving: s }) => sum + of(s) * s.maxInstances,
    0,
  );
  // A roll-out starts an instance of the new revision beside the old ones.
  const rollout = Math.max(...all.map(({ serving: s }) => of(s)));
  return {
    least: Math.max(training, serving),
    most: serving + Math.max(training, rollout),
  };
}

function verdict(
  what: string,
  have: number | null,
  { least, most }: Need,
  unit: string,
): Finding {
  const remedy = `request at least ${most}: ${REQUEST}`;
  if (have === null) {
    const detail = `not listed for this project; ${most} ${unit} are needed`;
    return { status: "warn", what, detail, remedy };
  }
  if (have === 0) {
    return {
      status: "warn",
      what,
      // https://cloud.google.com/run/docs/configuring/services/gpu#request-quota
      detail: `0 now; Cloud Run grants a first quota at the first deployment, but not to every new project; ${most} ${unit} are needed`,
      remedy,
    };
  }
  if (have < 0 || have >= most) {
    const detail = `${have < 0 ? "no limit" : have} for ${most} ${unit}`;
    return { status: "pass", what, detail };
  }
  return have >= least
    ? {
        status: "warn",
        what,
        detail: `${have} ${unit}: enough for a first deployment (${least}), too little to train or roll out while the service runs (${most})`,
        remedy,
      }
    : {
        status: "fail",
        what,
        detail: `${have} ${unit}, but ${least} are needed`,
        remedy: `${remedy}, or set smaller cpu, memory or maxInstances`,
      };
}
