import {
  adapterAddress,
  incumbentAddress,
} from "../../constructs/version-address";
import { hubAddress } from "../hub";
import {
  BRIEFLY,
  cannotTell,
  type Check,
  type Finding,
  type Preflight,
} from "./finding";

/**
 * Whether each base model and data set can be read, with the token if need be,
 * and earlier versions that a training needs are there.
 */
export const sources: Check = async (preflight) => {
  const { settings } = preflight;
  const models = Object.values(settings.models);
  const wanted = new Map<string, () => Promise<Finding>>();
  for (const { name, base, dataset, training, promotion, pin } of models) {
    if (pin !== undefined) continue;
    const folder = `gs://${settings.bucket.name}/${name}`;
    const { startFrom } = training;
    const { mustBeat = "base" } = promotion;
    const model = `base model ${base.id}`;
    wanted.set(model, () => source(preflight, model, "models", base));
    const data = `data set ${dataset.id}`;
    wanted.set(data, () => source(preflight, data, "datasets", dataset));
    if (startFrom !== undefined) {
      const address = adapterAddress(startFrom, folder);
      const adapter = `adapter ${address}`;
      wanted.set(adapter, () => inCloudStorage(preflight, adapter, address));
    }
    if (mustBeat !== "base") {
      const address = incumbentAddress(mustBeat, folder);
      const version = `incumbent ${address}`;
      // A version without it is not complete.
      const last = `${address}/_SUCCESS`;
      wanted.set(version, () => inCloudStorage(preflight, version, last));
    }
  }
  return Promise.all(
    [...wanted].map(([what, look]) =>
      look().catch((error: unknown) => cannotTell(what, error)),
    ),
  );
};

interface Source {
  readonly id: string;
  readonly revision: string;
}

async function source(
  preflight: Preflight,
  what: string,
  kind: "models" | "datasets",
  { id, revision }: Source,
): Promise<Finding> {
  if (id.startsWith("gs://")) {
    return inCloudStorage(preflight, what, id);
  }
  if (/^[./]/.test(id)) {
    return {
      status: "fail",
      what,
      detail:
        "is a path on this machine, which the job in the cloud cannot see",
      remedy: "upload it and set its gs:// address",
    };
  }
  return onTheHub(preflight, what, kind, { id, revision });
}

async function inCloudStorage(
  { google }: Preflight,
  what: string,
  id: string,
): Promise<Finding> {
  const [, bucket, prefix = ""] = /^gs:\/\/([^/]+)\/?(.*)$/.exec(id) ?? [];
  const { items = [] } = await google.request<{ items?: unknown[] }>({
    service: "storage",
    path: `b/${bucket}/o`,
    query: { prefix, maxResults: "1" },
    retry: BRIEFLY,
  });
  return items.length > 0
    ? { status: "pass", what, detail: "exists" }
    : {
        status: "fail",
        what,
        detail: "there is nothing at that address",
        remedy: "upload it, or correct the address",
      };
}

/**
 * Downloads nothing, but asks for a file as the trainer would: the Hub shows a
 * gated repository to everybody, and refuses only its files.
 *
 * @see https://huggingface.co/docs/hub/models-gated
 */
async function onTheHub(
  { env, http, settings }: Preflight,
  what: string,
  kind: "models" | "datasets",
  { id, revision }: Source,
): Promise<Finding> {
  const hub = hubAddress(env);
  const token = env["TF_VAR_hf_token"] || env["HF_TOKEN"];
  const headers = token ? { authorization: `Bearer ${token}` } : {};
  const page = `${hub}/${kind === "datasets" ? "datasets/" : ""}${id}`;
  const info = await http(`${hub}/api/${kind}/${id}/revision/${revision}`, {
    headers,
  });
  let status = info.status;
  if (status === 200) {
    const first = firstFile(info.text);
    if (first === null) {
      return { status: "warn", what, detail: "the Hub lists no files of it" };
    }
    const file = `${page}/resolve/${revision}/${first}`;
    status = (await http(file, { method: "HEAD", headers })).status;
  }
  if (status >= 200 && status < 400) {
    const by = token ? "with the token" : "without a token";
    return { status: "pass", what, detail: `can be read ${by}` };
  }
  if (status === 401 || status === 403 || status === 404) {
    if (!token && settings.token.source === "existing" && status !== 404) {
      return {
        status: "warn",
        what,
        detail: `could not be checked: the token is in secret ${settings.token.secret}, and HF_TOKEN is not set here`,
        remedy: "export HF_TOKEN to check it as well",
      };
    }
    return {
      status: "fail",
      what,
      detail:
        status === 404
          ? `revision ${revision} does not exist, or the token may not see it`
          : token
            ? `the Hub refuses the token (${status})`
            : "needs a token, and HF_TOKEN is not set",
      remedy: `accept the conditions at ${page} with the account of a read token from ${hub}/settings/tokens, and export it as HF_TOKEN`,
    };
  }
  throw new Error(`${new URL(hub).host} answered ${status}`);
}

function firstFile(info: string): string | null {
  const { siblings = [] } = JSON.parse(info) as {
    siblings?: { rfilename: string }[];
  };
  // README.md and .gitattributes are shown to everybody.
  const gated = siblings.find(
    ({ rfilename }) => !/^(README\.md|\.gitattributes)$/i.test(rfilename),
  );
  return gated?.rfilename ?? null;
}
