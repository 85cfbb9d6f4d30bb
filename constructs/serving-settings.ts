import { z } from "zod";
import { answerCheckSettings } from "./answer-check-settings";
import { GPU_STARTUP_SECONDS } from "./gpu-shapes";
import { cloudRunName, imageUri } from "./resource-names";
import { flag, gpuContainer, integer, number, text } from "./setting-types";

/** The service that answers with a model, and who may ask it. */
export const servingSettings = z.strictObject({
  service: cloudRunName.default("serve-gemma-sql"),
  /** A ready image instead of the one built from `vllm/`. */
  image: imageUri.optional(),
  /** Command of an image that does not start with tuneserve's own script. */
  command: z
    .array(text("a program and its arguments"))
    .min(1, "a program and its arguments")
    .optional(),
  args: z.array(z.string("a list of arguments")).default([]),
  ...gpuContainer,
  /** CUDA of vLLM's image; the accelerator's driver decides where it is auto. */
  cuda: z
    .enum(["auto", "12.9", "13.0"], { error: "auto, 12.9 or 13.0" })
    .default("auto"),
  /** Egress of the service alone; that of the network where it is not set. */
  egress: z
    .enum(["private-ranges", "all"], { error: "private-ranges or all" })
    .optional(),
  minInstances: integer(0, 100).default(0),
  maxInstances: integer(1, 100).default(1),
  port: integer(1, 65535).default(8000),
  healthPath: z
    .string("a path such as /health")
    .regex(/^\/[\w./-]*$/, "a path such as /health")
    .default("/health"),
  startupSeconds: z
    .int(`10 to ${GPU_STARTUP_SECONDS} seconds, in tens`)
    .refine((s) => s >= 10 && s <= GPU_STARTUP_SECONDS && s % 10 === 0, {
      error: `10 to ${GPU_STARTUP_SECONDS} seconds, in tens`,
    })
    .default(1200),
  requestTimeoutSeconds: integer(1, 3600, " seconds").default(300),
  modelId: z
    .string("the name that clients ask for")
    .regex(/^[\w./-]+$/, "a name of letters, digits, '.', '_', '/' and '-'")
    .default("new_model"),
  maxModelLen: integer(16, 1048576).default(2048),
  maxNumSeqs: integer(1, 1000).default(64),
  gpuMemoryUtilization: number(0.1, 0.99).default(0.9),
  prefixCaching: flag.default(true),
  /** Where the weights come from: the bucket's mount, or the Run:ai streamer. */
  loadFormat: z
    .enum(["mount", "stream"], { error: "mount or stream" })
    .default("mount"),
  /** Buffer of the streamer; 4 where it is not set. */
  streamMemoryGib: number(0.5, 60).optional(),
  /** What is compared with the manifest at each start. */
  verify: z
    .enum(["sizes", "all"], { error: "sizes or all (crc32c of every byte)" })
    .default("sizes"),
  /** `compiled`: torch.compile and CUDA graphs, which take longer to start. */
  start: z
    .enum(["eager", "compiled"], { error: "eager or compiled" })
    .default("eager"),
  /** Batch sizes that a compiled start captures; vLLM's own where not set. */
  captureSizes: z
    .array(integer(1, 1000), "a list of batch sizes such as [1, 2, 4, 8]")
    .min(1, "a list of batch sizes such as [1, 2, 4, 8]")
    .optional(),
  /** Whether the bucket keeps what a compiled start compiled. */
  compileCache: flag.default(false),
  /** Whether `/metrics` answers. */
  metrics: flag.default(false),
  ingress: z
    .enum(["all", "internal", "internal-and-cloud-load-balancing"], {
      error: "all, internal or internal-and-cloud-load-balancing",
    })
    .default("all"),
  invokers: z
    .array(
      z
        .string("a principal")
        .regex(
          /^((user|group|serviceAccount):[^\s@]+@[^\s@]+\.[^\s@]+|domain:[^\s@]+\.[^\s@]+|principal(Set)?:\/\/\S+|allUsers|allAuthenticatedUsers)$/,
          "a principal such as user:ada@example.com, group:…, serviceAccount:…, domain:… or principalSet://…",
        ),
    )
    .default([]),
  public: flag.default(false),
  deletionProtection: flag.default(false),
  check: answerCheckSettings.prefault({}),
});
