import type { Json } from "../state";

/** @see https://cloud.google.com/run/docs/reference/rest/v2/Container#volumemount */
export function mountProblems(
  { volumes = [] }: Json,
  { volumeMounts = [] }: Json,
) {
  const names: string[] = volumes.map(({ name }: Json) => name);
  return volumeMounts.flatMap(({ name, mountPath = "" }: Json) => [
    ...(names.includes(name)
      ? []
      : [`volume_mounts: Volume '${name}' is not defined.`]),
    ...(/^\/[^:]*$/.test(mountPath) &&
    !/^\/(dev|proc|sys)(\/|$)/.test(mountPath)
      ? []
      : [
          `volume_mounts.mount_path: '${mountPath}' must be an absolute path without ':' outside of /dev, /proc and /sys.`,
        ]),
  ]);
}

/** @see https://cloud.google.com/run/docs/reference/rest/v2/Volume#secretvolumesource */
export function secretVolumeProblems({ volumes = [] }: Json): string[] {
  return volumes.flatMap(({ name, secret }: Json) =>
    (secret?.items ?? []).flatMap(({ path = "" }: Json) =>
      path === "" || /^\/|(^|\/)\.\.(\/|$)/.test(path)
        ? [
            `volumes.${name}.secret.items.path: '${path}' must be a relative path without '..'.`,
          ]
        : [],
    ),
  );
}
