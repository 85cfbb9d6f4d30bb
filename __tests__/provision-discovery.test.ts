import { GoogleApiServer } from "./google-api-server";

const BUILDS = "cloudbuild/v1/projects/p/locations/r/builds";
const BUCKET_UPLOAD = "upload/storage/v1/b/x/o";

const wrong: readonly [string, string, string, object | undefined, RegExp][] = [
  [
    "an unknown path",
    "GET",
    "run/v2/projects/p/nothing",
    undefined,
    /unknown call/,
  ],
  [
    "an unknown service",
    "GET",
    "pubsub/v1/projects/p",
    undefined,
    /unknown call/,
  ],
  ["a wrong method", "PUT", BUILDS, {}, /unknown call PUT/],
  [
    "an unknown query parameter",
    "GET",
    `${BUILDS}?page=1`,
    undefined,
    /unknown query parameter page/,
  ],
  [
    "a missing query parameter",
    "GET",
    "storage/v1/b",
    undefined,
    /missing query parameter project/,
  ],
  [
    "an unknown field",
    "POST",
    BUILDS,
    { stepps: [] },
    /unknown field \.stepps/,
  ],
  [
    "an unknown field further in",
    "POST",
    BUILDS,
    { steps: [{ nam: "x" }] },
    /unknown field \.steps\[0\]\.nam/,
  ],
  [
    "a number for a string",
    "POST",
    BUILDS,
    { timeout: 60 },
    /\.timeout is a number, not a string/,
  ],
  [
    "a number for a 64-bit string",
    "POST",
    BUILDS,
    { options: { diskSizeGb: 200 } },
    /diskSizeGb is a number/,
  ],
  [
    "a word that is not allowed",
    "POST",
    BUILDS,
    { options: { logging: "SOME" } },
    /logging is 'SOME'/,
  ],
  [
    "a field that only comes back",
    "POST",
    BUILDS,
    { id: "x" },
    /\.id is output only/,
  ],
  [
    "an upload with an unknown parameter",
    "POST",
    `${BUCKET_UPLOAD}?nam=x`,
    {},
    /unknown query parameter nam/,
  ],
  [
    "a call that no test answers",
    "GET",
    BUILDS,
    undefined,
    /no answer set for cloudbuild/,
  ],
];

test.each(wrong)(
  "fails when a call has %s",
  async (_name, method, path, body, problem) => {
    const server = await GoogleApiServer.start();
    await fetch(`${server.origin}/${path}`, {
      method,
      ...(body ? { body: JSON.stringify(body) } : {}),
    });
    await expect(server.close()).rejects.toThrow(problem);
  },
);

test("fails when a test answers with a field that the API does not have", async () => {
  const server = await GoogleApiServer.start();
  server.on("run.projects.locations.jobs.get", () => ({ body: { nam: "j" } }));
  await fetch(`${server.origin}/run/v2/projects/p/locations/r/jobs/j`);
  await expect(server.close()).rejects.toThrow(/unknown field \.nam/);
});
