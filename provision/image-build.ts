import type { cloudbuild_v1 } from "@googleapis/cloudbuild";
import type { BuildArguments } from "../constructs/image-tag";
import { type StoredSource } from "./build-source";

/** What a build of an image is made of. */
export interface ImageBuildProps {
  readonly projectId: string;

  /** Email of the identity that builds and pushes. */
  readonly serviceAccount: string;

  /** Image with its tag. */
  readonly image: string;

  /** Arguments of the Dockerfile. */
  readonly buildArguments: BuildArguments;
  readonly source: StoredSource;
  readonly machineType: string;
  readonly diskSizeGb: number;
  readonly timeoutSeconds: number;

  /** By which builds are found again. */
  readonly tags: readonly string[];
}

/** Id of the step that proves that the build account may push. */
export const WRITE_CHECK = "write-check";

/**
 * Pushes a few bytes until that works: a new grant takes minutes to get around,
 * and a build would find out only after pulling 12 GB. `$$` is Cloud Build's way
 * to write a shell's `$`.
 */
const PUSH_UNTIL_ALLOWED = `cd "$$(mktemp -d)"
date > made
printf 'FROM scratch\\nCOPY made /\\n' > Dockerfile
docker build --quiet --tag "$$PROBE" . || exit 1
until docker push --quiet "$$PROBE" > answer 2>&1; do
  tail -n 1 answer
  if [ "$$SECONDS" -ge 600 ]; then
    echo "still not allowed to push after 10 minutes"
    exit 1
  fi
  echo "the build account may not push yet: a new grant takes minutes; next try in 15 s"
  sleep 15
done
echo "the build account may push"`;

/**
 * The build as Cloud Build takes it. A build with a service account of its own
 * must say where it logs.
 *
 * @see https://cloud.google.com/build/docs/api/reference/rest/v1/projects.builds
 * @see https://cloud.google.com/build/docs/securing-builds/configure-user-specified-service-accounts
 */
export function imageBuild({
  projectId,
  serviceAccount,
  image,
  buildArguments,
  source,
  machineType,
  diskSizeGb,
  timeoutSeconds,
  tags,
}: ImageBuildProps): cloudbuild_v1.Schema$Build {
  const repository = image.split("/").slice(0, 3).join("/");
  return {
    serviceAccount: `projects/${projectId}/serviceAccounts/${serviceAccount}`,
    source: { storageSource: { ...source } },
    steps: [
      {
        id: WRITE_CHECK,
        name: "gcr.io/cloud-builders/docker",
        entrypoint: "bash",
        args: ["-c", PUSH_UNTIL_ALLOWED],
        // A tag of its own: tags are immutable.
        env: [`PROBE=${repository}/${WRITE_CHECK}:$BUILD_ID`],
      },
      {
        id: "build",
        name: "gcr.io/cloud-builders/docker",
        args: [
          "build",
          "--progress=plain",
          `--tag=${image}`,
          ...Object.entries(buildArguments).map(
            ([name, value]) => `--build-arg=${name}=${value}`,
          ),
          ".",
        ],
        env: ["DOCKER_BUILDKIT=1"],
      },
    ],
    images: [image],
    timeout: `${timeoutSeconds}s`,
    tags: [...tags],
    options: {
      logging: "CLOUD_LOGGING_ONLY",
      machineType,
      diskSizeGb: String(diskSizeGb),
    },
  };
}
