import { delimiter, dirname, join, resolve } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { CommandError } from "../commands/command-line";
import { bytecodeFolder } from "../commands/python-environment";
import { type Container, localized } from "./container";
import { entrypoint } from "./entrypoint";
import { LocalProcess } from "./local-process";
import { lastStep } from "./log-line";
import { expected, type State, withProgress } from "./progress";
import type { Workspace } from "./workspace";

/**
 * Starts a container's ENTRYPOINT as a local process: in the folder that its image is made of, with
 * its environment and arguments, and the bucket's local folder in place of the bucket.
 *
 * @param source - `trainer` or `vllm`
 */
export function runContainer(
  source: string,
  container: Container,
  python: string,
  workspace: Workspace,
): LocalProcess {
  const folder = resolve(__dirname, "..", source);
  const { environment, args, command } = localized(container, workspace.bucket);
  return new LocalProcess({
    name: source,
    command: [...(command ?? entrypoint(join(folder, "Dockerfile"))), ...args],
    folder,
    log: workspace.log(source),
    // As in a container: nothing of the user's environment.
    environment: {
      PATH: [dirname(python), process.env.PATH].join(delimiter),
      HOME: workspace.home,
      // What both Dockerfiles set.
      PYTHONUNBUFFERED: "1",
      PYTHONPYCACHEPREFIX: bytecodeFolder(),
      ...environment,
    },
  });
}

/** How far the trainer is, by the last step that it tells of. */
export function trainingState(output: string, seconds: number): State {
  const last = lastStep(output);
  if (last === undefined) {
    return { share: 0, text: `loading, ${seconds.toFixed(0)} s` };
  }
  const { step, steps, loss, secondsLeft } = last;
  // Merging, scoring and publishing take about a tenth of the whole.
  return step === steps
    ? { share: 0.9, text: "scoring, merging, publishing" }
    : {
        share: (0.9 * step) / steps,
        text: `step ${step}/${steps}, loss ${loss?.toFixed(4) ?? "NaN"}, ${secondsLeft.toFixed(0)} s left`,
      };
}

/**
 * Waits until a server answers its health check.
 *
 * @throws CommandError when it ends instead, or takes longer than `limit` seconds
 */
export async function healthy(
  server: LocalProcess,
  url: string,
  usual: number,
  limit: number,
): Promise<void> {
  let over = false;
  const polled = async () => {
    for (
      const began = Date.now();
      Date.now() - began < 1000 * limit && !over;
    ) {
      if ((await fetch(url).catch(() => undefined))?.ok) {
        return;
      }
      await sleep(500);
    }
    throw new CommandError(
      `The server did not answer ${url} within ${limit} s.`,
    );
  };
  const ended = server.ended.then((code) => {
    throw server.failure(code);
  });
  try {
    await withProgress(
      "Starting the server",
      expected(usual),
      Promise.race([polled(), ended]),
    );
  } finally {
    over = true;
  }
}
