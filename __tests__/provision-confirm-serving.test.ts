import { confirmServing } from "../provision/confirm-serving";
import { GoogleApiServer } from "./google-api-server";
import { run, runProcess } from "./provisioner-run";

const SERVICE = "run.projects.locations.services.get";
const REVISION = "run.projects.locations.services.revisions.get";
const NAME = "projects/p/locations/r/services/s";

// Starting Node takes seconds on a busy machine.
jest.setTimeout(30_000);

let server: GoogleApiServer;
beforeEach(async () => {
  server = await GoogleApiServer.start();
});
afterEach(() => server.close());

const env = {
  PROJECT_ID: "p",
  REGION: "r",
  SERVICE_NAME: "s",
  VERSION: "gs://bucket/model/0123456789ab",
  ADDRESS: "google_cloud_run_v2_service.s",
};
const service = (created: string, ready: string, reconciling = false) => ({
  body: {
    name: NAME,
    reconciling,
    latestCreatedRevision: `${NAME}/revisions/${created}`,
    ...(ready === ""
      ? {}
      : { latestReadyRevision: `${NAME}/revisions/${ready}` }),
  },
});

test("is content when the newest revision is ready", async () => {
  server.on(SERVICE, () => service("s-00002", "s-00002"));

  expect(await run(confirmServing, server, env)).toEqual({
    output: "revision s-00002 answers with gs://bucket/model/0123456789ab\n",
    failure: undefined,
  });
});

test("waits while a revision is being started", async () => {
  server.on(SERVICE, ({ before }) =>
    before < 2
      ? service("s-00002", "s-00001", true)
      : service("s-00002", "s-00002"),
  );

  const { output, failure } = await run(confirmServing, server, env);
  expect(failure).toBeUndefined();
  expect(output).toContain("s is starting a revision");
});

test("fails when an older revision answers, with the newest one's reason", async () => {
  server
    .on(SERVICE, () => service("s-00002", "s-00001"))
    .on(REVISION, () => ({
      body: {
        conditions: [
          { type: "Active", state: "CONDITION_SUCCEEDED" },
          {
            type: "Ready",
            state: "CONDITION_FAILED",
            message: "The user-provided container failed to start.",
          },
        ],
      },
    }));

  const { output, exitCode } = await runProcess(
    "confirm-serving.ts",
    server,
    env,
  );
  expect(exitCode).toBe(1);
  expect(output).toBe(
    "revision s-00002 of s did not start: The user-provided container failed to start. Revision s-00001 goes on answering, not gs://bucket/model/0123456789ab. What to do: read its log (gcloud run services logs read s --region r --project p), change what is wrong and deploy again; to start the same once more, during which nothing answers: terraform apply -replace='google_cloud_run_v2_service.s'\n",
  );
});

test("fails when nothing answers", async () => {
  server
    .on(SERVICE, () => service("s-00001", ""))
    .on(REVISION, () => ({ body: {} }));

  const { failure } = await run(confirmServing, server, env);
  expect(failure).toMatch(/no reason is given\. Nothing answers, not gs:/);
});
