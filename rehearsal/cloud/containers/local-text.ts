import { mkdirSync } from "node:fs";
import { join } from "node:path";
import type { Cloud } from "../cloud";
import type { Json } from "../state";

/** Folders of a container's volumes that are no buckets, each with one for every volume. */
export interface VolumeFolders {
  readonly secrets: string;
  readonly empty: string;
}

/** Puts local folders in place of mount paths, and the local port in place of the container's. */
export function localText(
  cloud: Cloud,
  template: Json,
  folders: VolumeFolders,
  port: number | undefined,
): (text: string) => string {
  const container: Json = template["containers"][0];
  const mounts = (container["volumeMounts"] ?? []).flatMap(
    ({ name, mountPath }: Json) => {
      const volume = template["volumes"]?.find(
        (each: Json) => each.name === name,
      );
      const folder = folderOf(cloud, volume ?? {}, folders);
      return folder === undefined ? [] : [[mountPath, folder] as const];
    },
  );
  const containerPort = container["ports"]?.[0]?.containerPort ?? 8080;
  return (text) => {
    let result = text;
    for (const [mountPath, folder] of mounts) {
      // Whole segments only, and no part of a longer path.
      const here = new RegExp(
        `(?<![\\w./-])${mountPath.replace(/[.*+?^${}()|[\]\\]/g, "\\$&")}(?![\\w.-])`,
        "g",
      );
      result = result.replace(here, () => folder);
    }
    return port === undefined
      ? result
      : result.replace(
          new RegExp(`^(--?port[= ])${containerPort}$`),
          `$1${port}`,
        );
  };
}

function folderOf(
  { objects }: Cloud,
  { name, gcs, secret, emptyDir }: Json,
  folders: VolumeFolders,
): string | undefined {
  if (secret) return join(folders.secrets, name);
  if (emptyDir) {
    const folder = join(folders.empty, name);
    mkdirSync(folder, { recursive: true });
    return folder;
  }
  return gcs && objects.bucketFolder(gcs.bucket).view;
}
