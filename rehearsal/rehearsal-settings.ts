import { readFileSync } from "node:fs";
import { createServer } from "node:net";
import settings from "./settings.json";

/**
 * The rehearsal's settings, in the form of cdktf.json's `context`.
 *
 * @param seed - which sample data it trains on
 * @param port - where the service listens
 */
export function rehearsalSettings(
  seed: string,
  port: number,
): { readonly environments: Record<string, unknown> } {
  const { rehearsal } = settings.environments;
  const [[name, model] = []] = Object.entries(rehearsal.models);
  return {
    environments: {
      rehearsal: {
        ...rehearsal,
        models: {
          [name!]: {
            ...model!,
            dataset: {
              ...model!.dataset,
              id: model!.dataset.id.replace("seed-0", `seed-${seed}`),
            },
            serving: {
              ...model!.serving,
              args: [...model!.serving.args, ...typeArguments()],
              port,
            },
          },
        },
      },
    },
  };
}

/**
 * vLLM's arguments for the numbers that this CPU computes fast with: without instructions for bf16
 * it would emulate them, many times slower than float32.
 */
function typeArguments(): string[] {
  const flags = /^flags\s*:.*/m.exec(
    readFileSync("/proc/cpuinfo", "utf8"),
  )?.[0];
  return /\b(avx512_bf16|amx_bf16)\b/.test(flags ?? "")
    ? []
    : ["--dtype=float32"];
}

/** A port of this machine that nobody listens on. */
export function freePort(): Promise<number> {
  return new Promise((resolve, reject) => {
    const server = createServer();
    server.on("error", reject);
    server.listen(0, "127.0.0.1", () => {
      const address = server.address();
      server.close(() =>
        resolve(typeof address === "object" ? address!.port : 0),
      );
    });
  });
}
