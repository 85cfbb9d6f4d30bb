import { GoogleApiError } from "../../provision/google-api-error";
import type { GoogleClient } from "../../provision/google-client";
import { findModelsBucket } from "../models-bucket";
import type { StackJson } from "../synthesis";
import type { StateResource } from "../terraform";
import { type Block, type Found, identify, type Owner } from "./identity";
import { findUnnamed } from "./unnamed";

/** A block of Terraform's that takes a resource into the state. */
export interface Import {
  /** Address in the stack. */
  readonly to: string;
  readonly id: string;
}

/** What exists under the stack's names and is not in its state. */
export interface ExistingResources {
  readonly imports: readonly Import[];

  /** Addresses and ids of what somebody else made. */
  readonly foreign: readonly Import[];

  /** What could not be found out, a sentence each. */
  readonly unknown: readonly string[];
}

/** Who owns what a stack declares. */
export function ownerOf(json: StackJson): Owner {
  const provider = json.provider?.["google"]?.[0] ?? {};
  const labels = provider["default_labels"] as Found | undefined;
  return {
    project: String(provider["project"]),
    environment: String(labels?.["env"]),
  };
}

/**
 * Asks the APIs for each resource that is declared and not in the state. Left
 * out is what Terraform makes again without harm (grants, enabled APIs,
 * provisioners), the token's versions, and the models' bucket, which a deploy
 * takes over by itself.
 */
export async function findExisting(
  json: StackJson,
  state: readonly StateResource[],
  google: GoogleClient,
): Promise<ExistingResources> {
  const owner = ownerOf(json);
  const held = new Set(state.map(({ address }) => address));
  held.add(findModelsBucket(json)?.address ?? "");
  const imports: Import[] = [];
  const foreign: Import[] = [];
  const unknown: string[] = [];
  const missing = Object.entries(json.resource ?? {}).flatMap(
    ([type, blocks]) =>
      Object.entries(blocks)
        .map(([name, block]) => ({ type, to: `${type}.${name}`, block }))
        .filter(({ to }) => !held.has(to)),
  );
  await Promise.all(
    missing.map(async ({ type, to, block }) => {
      try {
        const found = await find(type, block, owner, google);
        if (found === undefined) return;
        const [id, another] = found.ids;
        if (id === undefined) return;
        if (another !== undefined) {
          unknown.push(
            `${to} may be any of ${found.ids.join(", ")}: delete those that nothing uses, and run npm run recover again.`,
          );
        } else {
          (found.ours ? imports : foreign).push({ to, id });
        }
      } catch (error) {
        // Where the API is off, nothing can be there.
        if (!(error instanceof GoogleApiError)) throw error;
        if (error.serviceDisabled) return;
        unknown.push(
          `Could not find out whether ${to} exists: ${error.message}`,
        );
      }
    }),
  );
  const byAddress = (a: Import, b: Import) => (a.to < b.to ? -1 : 1);
  return {
    imports: imports.sort(byAddress),
    foreign: foreign.sort(byAddress),
    unknown: unknown.sort(),
  };
}

async function find(
  type: string,
  block: Block,
  owner: Owner,
  google: GoogleClient,
): Promise<{ ids: string[]; ours: boolean } | undefined> {
  const identity = identify(type, block, {
    ...owner,
    ...(block["project"] ? { project: String(block["project"]) } : {}),
  });
  if (identity === undefined) {
    const ids = await findUnnamed(type, block, owner, google);
    return ids && { ids, ours: true };
  }
  const { service, path, importId, isOurs } = identity;
  try {
    const found = await google.request<Found>({
      service,
      path,
      retry: { deadlineSeconds: 20 },
    });
    return { ids: [importId], ours: isOurs(found) };
  } catch (error) {
    if (error instanceof GoogleApiError && error.status === 404) {
      return undefined;
    }
    throw error;
  }
}
