import { servingSettings } from "./serving-settings";
import type { Path, Raw, Report } from "./settings-problem";

/** Where vLLM's arguments are settings, since more than vLLM depends on them. */
const SETTINGS_OF_ARGUMENTS: Record<string, string> = {
  "--model": "pin",
  "--port": "port",
  "--served-model-name": "modelId",
  "--max-model-len": "maxModelLen",
  "--max-num-seqs": "maxNumSeqs",
  "--gpu-memory-utilization": "gpuMemoryUtilization",
  "--enable-prefix-caching": "prefixCaching",
  "--no-enable-prefix-caching": "prefixCaching",
  "--enforce-eager": "start",
  "--no-enforce-eager": "start",
  "--cudagraph-capture-sizes": "captureSizes",
  "--load-format": "loadFormat",
  "--stream-memory-gib": "streamMemoryGib",
  "--verify": "verify",
  "--compile-cache": "compileCache",
};

/** What an image with a command of its own is not told. */
const OWN_IMAGE_ONLY = [
  "loadFormat",
  "verify",
  "start",
  "compileCache",
  "metrics",
  "prefixCaching",
  "maxModelLen",
  "gpuMemoryUtilization",
] as const;

const DEFAULTS = servingSettings.parse({});

/** Rules over the serving settings that the container would find out about. */
export function checkServing(
  path: Path,
  serving: Raw,
  network: unknown,
  report: Report,
): void {
  const refuse = (key: string, allowed: string) =>
    report([...path, key], serving[key], allowed);
  const { start, captureSizes, maxNumSeqs, egress } = serving;

  if (serving.image !== undefined && differs(serving.cuda, DEFAULTS.cuda)) {
    refuse(
      "cuda",
      "auto beside serving.image: only an image that is built has a variant",
    );
  }
  checkMemory(serving, refuse);
  checkArguments(serving, refuse);
  if (start !== "compiled") {
    if (captureSizes !== undefined) {
      refuse("captureSizes", "not set, or start compiled beside it");
    }
    if (serving.compileCache === true) {
      refuse("compileCache", "false, or start compiled beside it");
    }
  }
  if (Array.isArray(captureSizes) && typeof maxNumSeqs === "number") {
    const largest = Math.max(...captureSizes.map(Number));
    if (largest > maxNumSeqs) {
      refuse("captureSizes", `batch sizes up to maxNumSeqs ${maxNumSeqs}`);
    }
  }
  if (egress !== undefined && network === "none") {
    refuse("egress", "not set, or a network that it goes through");
  }
}

/** Of another type, a value is refused for that alone. */
function differs(value: unknown, standard: unknown): boolean {
  return typeof value === typeof standard && value !== standard;
}

type Refuse = (key: string, allowed: string) => void;

/** The streamer's buffer is memory of the container, and so is vLLM itself. */
function checkMemory(serving: Raw, refuse: Refuse): void {
  const { streamMemoryGib, loadFormat, memory } = serving;
  if (streamMemoryGib === undefined) return;
  if (loadFormat !== "stream") {
    refuse("streamMemoryGib", "not set, or loadFormat stream beside it");
  }
  const gib = Number(/^(\d+)Gi$/.exec(String(memory))?.[1]);
  if (Number(streamMemoryGib) > gib / 2) {
    refuse(
      "streamMemoryGib",
      `at most ${gib / 2}, half of memory ${String(memory)}: the other half is vLLM's own`,
    );
  }
}

function checkArguments(serving: Raw, refuse: Refuse): void {
  if (serving.command !== undefined) {
    for (const key of OWN_IMAGE_ONLY) {
      if (differs(serving[key], DEFAULTS[key])) {
        refuse(
          key,
          "its default beside serving.command: only the image built from vllm/ knows it; another's arguments are serving.args",
        );
      }
    }
    return;
  }
  const args = Array.isArray(serving.args) ? serving.args.map(String) : [];
  for (const argument of args) {
    const [name = ""] = argument.split("=");
    const setting = SETTINGS_OF_ARGUMENTS[name.replaceAll("_", "-")];
    if (setting !== undefined) {
      refuse(
        "args",
        `no ${name}: ${setting === "pin" ? "the run id decides, or the model's pin" : `serving.${setting} says it`}`,
      );
    }
  }
}
