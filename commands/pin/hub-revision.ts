import { modelSettings } from "../../constructs/model-settings";
import type { Http } from "../http";
import { hubAddress } from "../hub";
import { setInJson } from "./json-text";
import type { PinnedThing } from "./pinned-thing";

const COMMIT = /^[0-9a-f]{40}$/;

/** As in cdktf.json, before the schema has filled it in. */
interface RawModel {
  readonly base?: { readonly id?: string; readonly revision?: string };
  readonly dataset?: { readonly id?: string; readonly revision?: string };
}

/**
 * Revisions of base models and data sets that name a branch or a tag. Left out
 * are commits, and what is not on the Hub: gs:// addresses and paths.
 *
 * @param context - the `context` of cdktf.json
 */
export function hubRevisions(
  context: Record<string, unknown>,
  http: Http,
  env: NodeJS.ProcessEnv,
): PinnedThing[] {
  const defaults = modelSettings.parse({});
  const environments = (context["environments"] ?? {}) as Record<
    string,
    { models?: Record<string, RawModel> }
  >;
  const things: PinnedThing[] = [];
  for (const [environment, { models = {} }] of Object.entries(environments)) {
    for (const [model, raw] of Object.entries(models)) {
      for (const part of ["base", "dataset"] as const) {
        const { id, revision } = { ...defaults[part], ...raw[part] };
        if (/^(gs:\/\/|[./])/.test(id) || COMMIT.test(revision)) continue;
        const keys = ["environments", environment, "models", model, part];
        things.push({
          what: `${environment}/${model} ${part} ${id}`,
          file: "cdktf.json",
          old: revision,
          resolve: () => commitOf(part, id, revision, http, env),
          replace: (text, resolved) =>
            setInJson(text, ["context", ...keys, "revision"], resolved),
        });
      }
    }
  }
  return things;
}

/** @see https://huggingface.co/docs/hub/api */
async function commitOf(
  part: "base" | "dataset",
  id: string,
  revision: string,
  http: Http,
  env: NodeJS.ProcessEnv,
): Promise<string> {
  const hub = hubAddress(env);
  const kind = part === "base" ? "models" : "datasets";
  const token = env["HF_TOKEN"] || env["TF_VAR_hf_token"];
  const { status, text } = await http(
    `${hub}/api/${kind}/${id}/revision/${encodeURIComponent(revision)}`,
    { headers: token ? { authorization: `Bearer ${token}` } : {} },
  );
  const host = new URL(hub).host;
  if (status !== 200) {
    const hint =
      status === 404
        ? `: there is no ${id} with revision ${revision}`
        : status === 401 || status === 403
          ? ": export HF_TOKEN, of an account that may read it"
          : "";
    throw new Error(`${host} answered ${status}${hint}`);
  }
  const { sha } = JSON.parse(text) as { sha?: unknown };
  if (typeof sha !== "string" || !COMMIT.test(sha)) {
    throw new Error(`${host} gave no commit for ${id}`);
  }
  return sha;
}
