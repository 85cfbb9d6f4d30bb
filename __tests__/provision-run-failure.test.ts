import { runFailure, type RunEnd } from "../provision/run-failure";

// Messages as seen from Cloud Run; T stands for `Task JOB-abc12-task0`.
const cases: readonly [string, Partial<RunEnd>, RegExp, RegExp][] = [
  [
    "out of memory, from the attempt's status",
    {
      attempt: {
        exitCode: 0,
        status: {
          code: 8,
          message: "The configured memory limit was reached.",
        },
      },
    },
    /^out of memory$/,
    /training\.memory/,
  ],
  [
    "out of memory, from the condition alone",
    {
      conditions: [
        {
          message:
            "Task j-abc12-task0 failed with exit code: 0 and message: The configured memory limit was reached.",
        },
      ],
    },
    /^out of memory$/,
    /training\.memory/,
  ],
  [
    "out of memory, from signal 9 and the system's log line",
    {
      attempt: { termSignal: 9 },
      log: [
        "Memory limit of 32768 MiB exceeded with 33010 MiB used. Consider increasing the memory limit, see https://cloud.google.com/run/docs/configuring/memory-limits",
        "Container terminated on signal 9.",
      ],
    },
    /^out of memory \(signal 9\)$/,
    /training\.memory/,
  ],
  [
    "exit code 137",
    { attempt: { exitCode: 137 } },
    /^out of memory \(exit code 137\)$/,
    /training\.memory/,
  ],
  [
    "the time limit",
    {
      conditions: [
        {
          message:
            "Task j-abc12-task0 failed with message: The configured timeout was reached.",
        },
      ],
    },
    /time limit of 3600 s/,
    /dataset\.limit/,
  ],
  [
    "the time limit, although the trainer exits with 75 when told to stop",
    {
      attempt: {
        exitCode: 75,
        status: { code: 4, message: "The configured timeout was reached." },
      },
    },
    /time limit of 3600 s/,
    /training\.timeoutSeconds/,
  ],
  [
    "the time limit, although the container was killed at it",
    {
      attempt: { termSignal: 9 },
      conditions: [{ message: "The configured timeout was reached." }],
    },
    /time limit/,
    /dataset\.limit/,
  ],
  ["exit code 2", { attempt: { exitCode: 2 } }, /settings.*2/, /new run/],
  ["exit code 3", { attempt: { exitCode: 3 } }, /bar/, /promotion\.minimum/],
  ["exit code 75", { attempt: { exitCode: 75 } }, /resumed/, /deploy again/],
  [
    "exit code 1, whatever the condition says",
    {
      attempt: {
        exitCode: 1,
        status: { code: 2, message: "The container exited with an error." },
      },
      conditions: [
        {
          message: "Quota exceeded somewhere",
          executionReason: "NON_ZERO_EXIT_CODE",
        },
      ],
    },
    /^the trainer ended with exit code 1$/,
    /deploy again/,
  ],
  [
    "exit code 1 without a task's details",
    { conditions: [{ message: "Container called exit(1)." }] },
    /exit code 1$/,
    /deploy again/,
  ],
  [
    "exit code 1 for want of GPU memory",
    {
      attempt: { exitCode: 1 },
      log: [
        "torch.OutOfMemoryError: CUDA out of memory. Tried to allocate 2 GiB",
      ],
    },
    /GPU's memory/,
    /training\.maxSeqLength.*basePrecision/,
  ],
  [
    "exit code 1 because the hub refused the token",
    {
      attempt: { exitCode: 1 },
      log: ["huggingface_hub.errors.GatedRepoError: 403 Client Error."],
    },
    /refused the token/,
    /licence/,
  ],
  [
    "an image that is gone",
    {
      conditions: [
        {
          reason: "CONTAINER_MISSING",
          message: "Image 'r-docker.pkg.dev/p/x/y:z' not found.",
        },
      ],
    },
    /image cannot be pulled/,
    /deploy again/,
  ],
  [
    "an image that the service agent may not read",
    {
      conditions: [
        {
          message:
            "Google Cloud Run Service Agent service-1@serverless-robot-prod.iam.gserviceaccount.com must have permission to read the image, r-docker.pkg.dev/q/x/y:z.",
        },
      ],
    },
    /image cannot be pulled/,
    /service agent/,
  ],
  [
    "no GPU quota, naming what Cloud Run names",
    {
      conditions: [
        {
          message:
            "Quota violated: NvidiaL4GpuAllocNoZonalRedundancyPerProjectRegion requested: 1 allowed: 0",
        },
      ],
    },
    /^no quota: NvidiaL4GpuAllocNoZonalRedundancyPerProjectRegion in europe-west4$/,
    /gpu-quota/,
  ],
  [
    "no GPU quota without a name",
    { conditions: [{ message: "You do not have quota for using GPUs." }] },
    /run\.googleapis\.com\/nvidia_l4_gpu_allocation_no_zonal_redundancy/,
    /gpu-quota/,
  ],
  [
    "no capacity",
    {
      conditions: [{ message: "Insufficient capacity for nvidia-l4 in zone." }],
    },
    /europe-west4 has no free nvidia-l4/,
    /later/,
  ],
  [
    "a secret that cannot be read",
    {
      conditions: [
        {
          reason: "SECRETS_ACCESS_CHECK_FAILED",
          message:
            "Permission denied on secret: projects/1/secrets/HF_TOKEN/versions/1 for Revision service account finetune-job-sa@p.iam.gserviceaccount.com.",
        },
      ],
    },
    /secret/,
    /secretAccessor/,
  ],
  [
    "a network that is not there",
    {
      conditions: [
        { reason: "VPC_NETWORK_NOT_FOUND", message: "VPC network default" },
      ],
    },
    /network/,
    /"none"/,
  ],
  [
    "cancelled",
    {
      conditions: [
        { executionReason: "CANCELLED", message: "cancelled by user" },
      ],
    },
    /cancelled/,
    /deploy again/,
  ],
  [
    "ended for maintenance",
    { attempt: { termSignal: 15 } },
    /signal 15/,
    /maintenance/,
  ],
  [
    "something new, in Cloud Run's words",
    { conditions: [{ message: "The moon is in the wrong house." }] },
    /^The moon is in the wrong house\.$/,
    /deploy again/,
  ],
];

test.each(cases)("names %s", (_name, end, what, remedy) => {
  const failure = runFailure({
    conditions: [],
    log: [],
    accelerator: "nvidia-l4",
    region: "europe-west4",
    timeoutSeconds: 3600,
    ...end,
  });
  expect(failure.what).toMatch(what);
  expect(failure.remedy).toMatch(remedy);
});
