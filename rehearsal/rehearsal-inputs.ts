import { copyFileSync, readdirSync } from "node:fs";
import { join } from "node:path";
import type { Cloud } from "./cloud/cloud";

/** The bucket that the rehearsal brings itself, as a user has one for base and data. */
export const INPUTS = "rehearsal-inputs";

/** The bucket of inputs, readable for every account of the project. */
export async function putInputs(
  cloud: Cloud,
  inputs: Readonly<Record<string, string>>,
): Promise<void> {
  cloud.state.buckets[INPUTS] = { name: INPUTS, location: "US-CENTRAL1" };
  cloud.access.create(`projects/_/buckets/${INPUTS}`, [
    { role: "roles/storage.objectViewer", members: ["allAuthenticatedUsers"] },
  ]);
  for (const [name, path] of Object.entries(inputs)) {
    const file = cloud.objects.temporaryFile();
    copyFileSync(path, file);
    await cloud.objects.put({ bucket: INPUTS, name, file, fields: {} });
  }
}

/** A folder's files as objects below a prefix. */
export function filesBelow(
  prefix: string,
  folder: string,
): Record<string, string> {
  return Object.fromEntries(
    readdirSync(folder).map((name) => [
      `${prefix}/${name}`,
      join(folder, name),
    ]),
  );
}
