import { ApiError } from "../api-error";
import type { Json } from "../state";

/**
 * Refuses what Cloud Run can do and this cloud cannot: what was left out in silence would look as if
 * it worked.
 *
 * @throws ApiError with all of it
 */
export function requireSpoken(kind: "job" | "service", template: Json): void {
  const containers: Json[] = template["containers"] ?? [];
  const probes = containers.flatMap(({ startupProbe, livenessProbe, ports }) =>
    [startupProbe, livenessProbe].flatMap((probe: Json | undefined) => {
      const port = probe?.["httpGet"]?.port ?? probe?.["tcpSocket"]?.port;
      const own = ports?.[0]?.containerPort;
      return [
        ...(probe?.["grpc"] ? ["a gRPC probe"] : []),
        ...(port && own && port !== own ? ["a probe of another port"] : []),
      ];
    }),
  );
  const volumes = (template["volumes"] ?? []).flatMap((volume: Json) =>
    Object.keys(volume)
      .filter((type) => !["name", "gcs", "secret", "emptyDir"].includes(type))
      .map((type) => `volumes of type ${type}`),
  );
  const found = [
    ...(containers.length > 1 ? ["more than one container"] : []),
    ...(containers.some(({ readinessProbe }) => readinessProbe)
      ? ["a readiness probe"]
      : []),
    ...probes,
    ...volumes,
  ];
  if (found.length > 0) {
    throw new ApiError(
      501,
      `This local cloud does not speak ${found.join(", ")} of a ${kind} (docs/local-cloud.md).`,
    );
  }
}
