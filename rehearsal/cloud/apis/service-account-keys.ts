import { ApiError } from "../api-error";
import type { Call, Handlers } from "../call";
import type { Cloud } from "../cloud";
import { createKey, keysOf } from "../iam/account-keys";
import type { Json } from "../state";
import { account } from "./iam";

/** @see https://cloud.google.com/iam/docs/reference/rest/v1/projects.serviceAccounts.keys */
export const serviceAccountKeys: Handlers = {
  "iam.projects.serviceAccounts.keys.create": ({ path, body }, cloud) => {
    if (body["privateKeyType"] === "TYPE_PKCS12_FILE") {
      throw new ApiError(400, "this local cloud makes JSON key files only");
    }
    const owner = account(cloud, path["name"]!);
    const { name, file } = createKey(cloud, owner);
    return {
      ...cloud.state.accountKeys[name]!.key,
      privateKeyType: "TYPE_GOOGLE_CREDENTIALS_FILE",
      privateKeyData: Buffer.from(JSON.stringify(file, null, 2)).toString(
        "base64",
      ),
    };
  },

  "iam.projects.serviceAccounts.keys.list": ({ path }, cloud) => {
    const { name } = account(cloud, path["name"]!);
    const keys = keysOf(cloud.state.accountKeys, name).map(
      (each) => cloud.state.accountKeys[each]!.key,
    );
    return keys.length > 0 ? { keys } : {};
  },

  "iam.projects.serviceAccounts.keys.get": (call, cloud) =>
    existing(call, cloud),

  "iam.projects.serviceAccounts.keys.disable": (call, cloud) => {
    existing(call, cloud)["disabled"] = true;
    return {};
  },

  "iam.projects.serviceAccounts.keys.enable": (call, cloud) => {
    delete existing(call, cloud)["disabled"];
    return {};
  },

  "iam.projects.serviceAccounts.keys.delete": (call, cloud) => {
    delete cloud.state.accountKeys[existing(call, cloud)["name"]];
    return {};
  },
};

/** @throws ApiError if there is no such account or key */
function existing({ path }: Call, cloud: Cloud): Json {
  const [owner = "", id = ""] = path["name"]!.split("/keys/");
  const { name } = account(cloud, owner);
  const found = cloud.state.accountKeys[`${name}/keys/${id}`];
  if (found === undefined) {
    throw new ApiError(404, `Service account key ${id} does not exist.`);
  }
  return found.key;
}
