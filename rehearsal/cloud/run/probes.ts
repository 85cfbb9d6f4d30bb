import { connect } from "node:net";
import { setTimeout as sleep } from "node:timers/promises";
import type { Json } from "../state";

/**
 * Waits for a container's startup probe.
 *
 * @throws when it has failed for good
 * @see https://cloud.google.com/run/docs/configuring/healthchecks
 */
export async function started(
  { startupProbe: probe, ports }: Json,
  port: number,
  signal: AbortSignal,
): Promise<void> {
  // Without a probe: one attempt of 240 s to connect.
  const {
    initialDelaySeconds = 0,
    periodSeconds = probe ? 10 : 1,
    failureThreshold = probe ? 3 : 240,
  } = probe ?? {};
  await sleep(initialDelaySeconds * 1000);
  for (
    let failures = 0;
    failures < failureThreshold && !signal.aborted;
    failures++
  ) {
    const began = Date.now();
    if (await passes(probe ?? {}, port)) return;
    await sleep(Math.max(0, periodSeconds * 1000 - (Date.now() - began)));
  }
  throw new Error(
    probe
      ? "The user-provided container failed the configured startup probe checks. Logs for this revision might contain more information."
      : `The user-provided container failed to start and listen on the port defined provided by the PORT=${ports[0].containerPort} environment variable within the allocated timeout.`,
  );
}

/**
 * Probes a container for as long as it lives, if it has a liveness probe.
 *
 * @param onDead - called when the probe has failed as often as it may
 * @returns ends the watch
 */
export function watchLiveness(
  { livenessProbe: probe }: Json,
  port: number,
  onDead: () => void,
): AbortController {
  const over = new AbortController();
  const { signal } = over;
  const watch = async () => {
    const {
      initialDelaySeconds = 0,
      periodSeconds = 10,
      failureThreshold = 3,
    } = probe;
    const pause = (seconds: number) =>
      sleep(seconds * 1000, undefined, { signal, ref: false });
    await pause(initialDelaySeconds);
    for (let failures = 0; failures < failureThreshold; ) {
      await pause(periodSeconds);
      failures = (await passes(probe, port)) ? 0 : failures + 1;
    }
    if (!signal.aborted) onDead();
  };
  // It ends with the container, in the midst of a pause.
  if (probe) void watch().catch(() => undefined);
  return over;
}

/** One attempt: a request where the probe says so, a connection otherwise. */
async function passes(
  { httpGet, timeoutSeconds = 1 }: Json,
  port: number,
): Promise<boolean> {
  const signal = AbortSignal.timeout(timeoutSeconds * 1000);
  if (httpGet === undefined) return accepts(port, signal);
  const headers = (httpGet.httpHeaders ?? []).map(
    ({ name, value = "" }: Json) => [name, value] as [string, string],
  );
  const url = `http://127.0.0.1:${port}${httpGet.path ?? "/"}`;
  const answer = await fetch(url, { signal, headers }).catch(() => undefined);
  await answer?.body?.cancel();
  return answer !== undefined && answer.status >= 200 && answer.status < 400;
}

function accepts(port: number, signal: AbortSignal): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect({ port, host: "127.0.0.1", signal });
    socket.once("connect", () => resolve(true));
    socket.once("error", () => resolve(false));
    socket.once("connect", () => socket.destroy());
  });
}
