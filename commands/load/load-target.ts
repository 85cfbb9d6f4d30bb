import { requireAccess } from "../ask/access";
import { templateOf } from "../ask/prompt";
import type { SettingsOfModel } from "../ask/served-model";
import type { ServiceCall } from "../ask/service-call";
import { shortened } from "../ask/shortened";
import { CommandError } from "../command-line";
import type { LoadTarget } from "./load-result";
import type { Asking } from "./prompts";

export interface FindTargetProps {
  readonly url: string;
  readonly token: string | null;
  readonly call: ServiceCall;
  readonly settings: SettingsOfModel;
}

/**
 * Waits until the service answers, and learns from it what is served and how it
 * is asked.
 *
 * @throws CommandError when it cannot be asked
 */
export async function findTarget(
  props: FindTargetProps,
): Promise<LoadTarget & Asking> {
  const { url, token, call, settings } = props;
  const began = performance.now();
  const models = await call("/v1/models");
  const startSeconds = (performance.now() - began) / 1000;
  requireAccess(models.status, token, settings);
  const model = modelOf(models.text);
  if (models.status !== 200 || model === null) {
    throw new CommandError(
      `${url}/v1/models answered ${models.status}: ${shortened(models.text) || "nothing"}. A load test needs OpenAI's routes, as vLLM has them: check the address; the tutorial's own image has none.`,
    );
  }
  const lineage = await call("/lineage");
  return { url, model, startSeconds, ...versionOf(lineage.text, settings) };
}

function modelOf(text: string): string | null {
  try {
    const { data } = JSON.parse(text) as { data?: { id?: unknown }[] };
    const id = data?.[0]?.id;
    return typeof id === "string" ? id : null;
  } catch {
    return null;
  }
}

/** What the manifest says; the settings' own template for a server without one. */
function versionOf(
  manifest: string,
  settings: SettingsOfModel,
): Asking & { runId?: string } {
  const template = templateOf(manifest, true) ?? settings.prompt;
  try {
    const { run_id, dataset } = JSON.parse(manifest) as {
      run_id?: unknown;
      dataset?: { format?: unknown };
    };
    return {
      template,
      chat: dataset?.format === "messages",
      ...(typeof run_id === "string" ? { runId: run_id } : {}),
    };
  } catch {
    return { template, chat: false };
  }
}
