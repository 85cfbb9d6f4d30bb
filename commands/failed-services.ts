import { GoogleApiError } from "../provision/google-api-error";
import type { GoogleClient } from "../provision/google-client";
import { roomFailure } from "../provision/room-failure";
import { ownerOf } from "./recover/existing-resources";
import type { StackJson } from "./synthesis";

interface Service {
  readonly terminalCondition?: {
    readonly state?: string;
    readonly reason?: string;
    readonly message?: string;
  };
}

/**
 * After a failed apply: what to do about services whose revision did not start, of which the provider
 * only repeats Cloud Run's reason.
 */
export async function failedServices(
  json: StackJson,
  google: GoogleClient,
): Promise<string[]> {
  const { project } = ownerOf(json);
  const services = Object.values(
    json.resource?.["google_cloud_run_v2_service"] ?? {},
  );
  const found = await Promise.all(
    services.map(async ({ name, location, template }) => {
      const condition = await terminalCondition(
        `projects/${project}/locations/${location}/services/${name}`,
        google,
      );
      if (condition?.state !== "CONDITION_FAILED") return [];
      const selector = (template as Template | undefined)?.node_selector;
      const room = roomFailure(
        {
          accelerator: selector?.accelerator ?? "no GPU",
          region: String(location),
        },
        [condition.reason],
        condition.message ?? "",
      );
      const what = room?.what ?? "its newest revision did not start";
      const remedy =
        room?.remedy ??
        `read its log (gcloud run services logs read ${name} --region ${location} --project ${project}), change what is wrong, such as serving.memory or serving.startupSeconds in cdktf.json, and deploy again`;
      return [`${name}: ${what}. What to do: ${remedy}`];
    }),
  );
  return found.flat();
}

interface Template {
  readonly node_selector?: { readonly accelerator?: string };
}

async function terminalCondition(
  path: string,
  google: GoogleClient,
): Promise<Service["terminalCondition"]> {
  try {
    const service = await google.request<Service>({
      service: "run",
      path,
      retry: { deadlineSeconds: 0 },
      timeoutSeconds: 10,
    });
    return service.terminalCondition;
  } catch (error) {
    // Only for a better message.
    if (error instanceof GoogleApiError) return undefined;
    throw error;
  }
}
