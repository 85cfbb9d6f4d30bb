import { buildFailure, type BuildEnd } from "../provision/build-failure";

const cases: readonly [string, Partial<BuildEnd>, RegExp, RegExp][] = [
  [
    "a source that the build account cannot read",
    { failureType: "FETCH_SOURCE_FAILED" },
    /cannot read the source/,
    /objectViewer/,
  ],
  [
    "a source that was refused at the start",
    {
      status: undefined,
      detail:
        "INVALID_ARGUMENT: could not resolve source: googleapi: Error 403: b@p.iam.gserviceaccount.com does not have storage.objects.get access to the Google Cloud Storage object., forbidden",
    },
    /cannot read the source/,
    /objectViewer/,
  ],
  [
    "a push denied in the first step",
    { failedStep: "write-check" },
    /push of the image was denied/,
    /artifactregistry\.writer/,
  ],
  [
    "a push denied at the end",
    {
      log: [
        "denied: Permission 'artifactregistry.repositories.uploadArtifacts' denied on resource (or it may not exist).",
        'ERROR: error pushing image "r-docker.pkg.dev/p/x/y": retry budget exhausted (10 attempts)',
      ],
    },
    /push of the image was denied/,
    /artifactregistry\.writer/,
  ],
  [
    "the time limit",
    { status: "TIMEOUT" },
    /time limit/,
    /build\.timeoutSeconds/,
  ],
  [
    "a step of the Dockerfile, with its line",
    {
      failedStep: "build",
      failureType: "USER_BUILD_STEP",
      log: [
        'Step #1 - "build": #7 [1/6] FROM docker.io/library/python:3.12',
        'Step #1 - "build": #9 [4/6] RUN pip install --require-hashes -r requirements.txt',
        'Step #1 - "build": #9 12.1 ERROR: THESE PACKAGES DO NOT MATCH THE HASHES',
        'Step #1 - "build": #9 ERROR: process "/bin/sh -c pip install" did not complete successfully: exit code: 1',
        'Step #1 - "build": Dockerfile:14',
      ],
    },
    /^the Dockerfile failed at line 14, step 4\/6 RUN pip install --require-hashes -r requirements\.txt$/,
    /mend the Dockerfile/,
  ],
  [
    "a step that was killed",
    {
      failedStep: "build",
      failureType: "USER_BUILD_STEP",
      detail:
        'Build step failure: build step 1 "gcr.io/cloud-builders/docker" failed: step exited with non-zero status: 137',
    },
    /for its memory/,
    /build\.machineType/,
  ],
  [
    "a full disk",
    { failedStep: "build", log: ["write /layer: no space left on device"] },
    /disk is full/,
    /build\.diskSizeGb/,
  ],
  [
    "a base image that is not there",
    {
      failedStep: "build",
      log: ["ERROR: failed to resolve source metadata for x: not found"],
    },
    /base image/,
    /FROM/,
  ],
  [
    "a base image's registry that has had enough",
    {
      failedStep: "build",
      log: ["toomanyrequests: You have reached your pull rate limit"],
    },
    /no more pulls/,
    /mirror/,
  ],
  [
    "a quota",
    {
      status: undefined,
      detail:
        "failed precondition: due to quota restrictions, Cloud Build cannot run builds of this machine type in this region",
    },
    /quota/,
    /build\.machineType/,
  ],
  [
    "a missing right to act as the build account",
    {
      status: undefined,
      detail: "caller does not have permission to act as service account 1",
    },
    /as the build account/,
    /serviceAccountUser/,
  ],
  [
    "Cloud Build's own fault",
    { status: "INTERNAL_ERROR", detail: "worker lost" },
    /Cloud Build itself failed \(worker lost\)/,
    /deploy again/,
  ],
  ["a cancelled build", { status: "CANCELLED" }, /cancelled/, /deploy again/],
  ["a queue that was too long", { status: "EXPIRED" }, /queue/, /quota/],
  [
    "a success without an image",
    { status: "SUCCESS" },
    /no image/,
    /deploy again/,
  ],
];

test.each(cases)("names %s", (_name, end, what, remedy) => {
  const failure = buildFailure({ status: "FAILURE", log: [], ...end });
  expect(failure.what).toMatch(what);
  expect(failure.remedy).toMatch(remedy);
});
