import type { FaultCase } from "./fault-case";

const BUILD_STARTED = /\(local-exec\): build \S+ in /;

/** What goes wrong with the two images, which are built side by side. */
const BUILDS: readonly FaultCase[] = [
  {
    name: "builds: memory, exit-1",
    faults: ["build=memory", "build=exit-1"],
    prints: [/was not built: .*What to do: .*Log: https:/],
    ends: "failed",
  },
  {
    name: "builds: timeout",
    faults: ["build=timeout*2"],
    prints: [/passed its time limit\. What to do: raise build\.timeoutSeconds/],
    ends: "failed",
  },
  {
    name: "builds: no quota in the region",
    faults: ["build=quota"],
    prints: [/refuses the build .*building in global/],
    ends: "well",
  },
  {
    name: "builds: no quota, no capacity",
    faults: ["build=quota*2", "build=capacity*2"],
    prints: [/due to quota restrictions.*build\.machineType/],
    ends: "failed",
  },
  {
    name: "builds: never end, until somebody cancels them",
    faults: ["build=endless*2"],
    once: { printed: BUILD_STARTED, act: (cloud) => cloud.cancelBuilds(2) },
    prints: [/somebody cancelled the build\. What to do: deploy again/],
    ends: "failed",
  },
  {
    name: "builds: no room for their sources",
    faults: ["storage.objects.insert=full*2"],
    prints: [/takes no more .*quota has been exceeded.*What to do: delete/],
    ends: "failed",
  },
  {
    name: "builds: refusals, resets and lost answers of the calls about them",
    faults: [
      "cloudbuild.*.builds.create=429",
      "cloudbuild.*.builds.create=503",
      "cloudbuild.*.builds.create=reset",
      "cloudbuild.*.builds.create=lost",
      "cloudbuild.*.builds.get=503",
      "cloudbuild.*.builds.list=reset",
      "storage.objects.insert=503",
      "storage.objects.insert=reset",
      "storage.objects.insert=lost",
    ],
    prints: [/no clear answer to the start of the build/],
    ends: "well",
  },
  {
    name: "builds: ten minutes pass at their start",
    faults: ["cloudbuild.*.builds.create=stall*2"],
    prints: [/no clear answer to the start of the build/],
    ends: "well",
  },
  {
    name: "builds: the token expires meanwhile",
    faults: [],
    once: { printed: BUILD_STARTED, act: (cloud) => cloud.expireToken() },
    prints: [/what already runs in the cloud goes on, and the next deploy/],
    ends: "failed",
  },
];

const serving = (
  kind: string,
  shows: RegExp,
  remedy = /serve-gemma-sql: .*What to do: read its log \(gcloud/,
): FaultCase => ({
  name: `serving: ${kind}`,
  faults: [`serving=${kind}`],
  prints: [/Error waiting to create Service/, shows, remedy],
  ends: "failed",
});

/** What goes wrong with a service. */
const SERVING: readonly FaultCase[] = [
  serving("memory", /exited with code 137/),
  serving("exit-1", /exited with code 1 before it listened/),
  serving("timeout", /exited with code 143/),
  serving(
    "quota",
    /Quota violated: NvidiaL4GpuAlloc/,
    /no quota: .*What to do: ask for it at /,
  ),
  serving(
    "capacity",
    /Insufficient capacity for nvidia-l4 in us-central1/,
    /has no free nvidia-l4.*What to do: deploy again later/,
  ),
  {
    ...serving("endless", /failed the configured startup probe checks/),
    model: { serving: { startupSeconds: 10 } },
  },
];

export const IMAGE_AND_SERVICE_CASES = [...BUILDS, ...SERVING];
