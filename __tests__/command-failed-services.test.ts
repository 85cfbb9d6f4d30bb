import { failedServices } from "../commands/failed-services";
import { GoogleApiError } from "../provision/google-api-error";

const STACK = {
  provider: { google: [{ project: "proj-a" }] },
  resource: {
    google_cloud_run_v2_service: {
      sql: {
        name: "serve-sql",
        location: "us-central1",
        template: { node_selector: { accelerator: "nvidia-l4" } },
      },
    },
  },
};

/** What is said of the service when Cloud Run answers so. */
const said = (answer: object) =>
  failedServices(STACK, {
    request: async <T>() => {
      if (answer instanceof Error) throw answer;
      return answer as T;
    },
  });

const failed = (message: string) => ({
  terminalCondition: { state: "CONDITION_FAILED", message },
});

describe("a service after a failed deploy", () => {
  test.each([
    [
      "Quota violated: NvidiaL4GpuAllocNoZonalRedundancyPerProjectRegion requested: 1 allowed: 0",
      "serve-sql: no quota: NvidiaL4GpuAllocNoZonalRedundancyPerProjectRegion in us-central1. What to do: ask for it at https://g.co/cloudrun/gpu-quota",
    ],
    [
      "Insufficient capacity for nvidia-l4 in us-central1.",
      "serve-sql: us-central1 has no free nvidia-l4 at the moment. What to do: deploy again later",
    ],
    [
      "The user-provided container exited with code 137.",
      "serve-sql: its newest revision did not start. What to do: read its log (gcloud run services logs read serve-sql --region us-central1 --project proj-a)",
    ],
  ])("is told with what to do: %s", async (message, text) => {
    expect(await said(failed(message))).toEqual([
      expect.stringContaining(text),
    ]);
  });

  test("that is ready, or not there, is not spoken of", async () => {
    const ready = { terminalCondition: { state: "CONDITION_SUCCEEDED" } };

    expect(await said(ready)).toEqual([]);
    expect(await said(new GoogleApiError("none", 404))).toEqual([]);
  });
});
