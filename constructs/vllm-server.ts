import { needsCompatibility } from "./gpu-shapes";
import type { ModelSettings } from "./model-settings";

type Serving = ModelSettings["serving"];

/** Folder of the bucket for what compiled starts compiled. */
export const COMPILE_CACHE = "compile-cache";

/** The streamer's own default, 40 GB, is more than the container has. */
const STREAM_MEMORY_GIB = 4;

/** Where a service finds the version that it serves. */
export interface ServedVersion {
  readonly bucketName: string;

  /** Version directory below the bucket: `MODEL/RUN_ID`. */
  readonly version: string;

  /** Where the bucket is mounted. */
  readonly mount: string;
}

/**
 * Arguments of the serving container; `vllm/serve/settings.py` reads its own and
 * hands the others on to `vllm serve`.
 */
export function serverArguments(
  serving: Serving,
  { bucketName, version, mount }: ServedVersion,
): string[] {
  const stream = serving.loadFormat === "stream";
  const home = stream ? `gs://${bucketName}` : mount;
  return [
    `--model=${home}/${version}`,
    "--tensor-parallel-size=1",
    // An image with a command of its own gets what the tutorial gives it.
    ...(serving.command === undefined
      ? [
          `--port=${serving.port}`,
          `--max-model-len=${serving.maxModelLen}`,
          `--max-num-seqs=${serving.maxNumSeqs}`,
          `--gpu-memory-utilization=${serving.gpuMemoryUtilization}`,
          serving.prefixCaching
            ? "--enable-prefix-caching"
            : "--no-enable-prefix-caching",
          `--load-format=${serving.loadFormat}`,
          ...(stream
            ? [
                `--stream-memory-gib=${serving.streamMemoryGib ?? STREAM_MEMORY_GIB}`,
              ]
            : []),
          `--verify=${serving.verify}`,
          ...compilation(serving, bucketName),
        ]
      : []),
    ...serving.args,
  ];
}

function compilation(
  { start, captureSizes, compileCache }: Serving,
  bucketName: string,
): string[] {
  if (start === "eager") return ["--enforce-eager"];
  return [
    ...(captureSizes === undefined
      ? []
      : ["--cudagraph-capture-sizes", ...captureSizes.map(String)]),
    ...(compileCache
      ? [`--compile-cache=gs://${bucketName}/${COMPILE_CACHE}`]
      : []),
  ];
}

/** Environment of the serving container. */
export function serverEnvironment(serving: Serving): Record<string, string> {
  return {
    MODEL_ID: serving.modelId,
    HF_HUB_OFFLINE: "1",
    ACCELERATOR: serving.accelerator,
    // Where the driver is new enough the same switch breaks vLLM, so that the
    // start-up script asks the driver as well.
    // https://github.com/vllm-project/vllm/pull/33992
    ...(needsCompatibility(serving.accelerator)
      ? { VLLM_ENABLE_CUDA_COMPATIBILITY: "1" }
      : {}),
    ...(serving.metrics ? { TUNESERVE_METRICS: "1" } : {}),
  };
}
