import { z } from "zod";

/**
 * Names that Google's APIs accept. Provider 6.50 sends any name as it is, so a
 * wrong one would fail in the middle of an apply.
 */
function name(pattern: RegExp, allowed: string) {
  return z.string(allowed).regex(pattern, allowed);
}

/** @see https://cloud.google.com/resource-manager/docs/creating-managing-projects */
export const projectId = name(
  /^[a-z][a-z0-9-]{4,28}[a-z0-9]$/,
  "a project id: 6 to 30 lowercase letters, digits and hyphens, beginning with a letter and not ending with a hyphen (not the project's number or its display name)",
);

/** @see https://cloud.google.com/storage/docs/buckets#naming */
export const bucketName = name(
  /^(?!goog)(?!.*(google|g00gle))(?!.*\.\.)(?!\d+\.\d+\.\d+\.\d+$)[a-z0-9][a-z0-9._-]{1,61}[a-z0-9]$/,
  "a bucket name: 3 to 63 lowercase letters, digits, '-', '_' and '.', beginning and ending with a letter or digit, without 'google' and not beginning with 'goog'",
);

/** @see https://cloud.google.com/secret-manager/docs/creating-and-accessing-secrets */
export const secretName = name(
  /^[A-Za-z0-9_-]{1,255}$/,
  "a secret's name: 1 to 255 letters, digits, '-' and '_' (the name, not the token)",
);

/** @see https://cloud.google.com/artifact-registry/docs/repositories/create-repos */
export const repositoryName = name(
  /^[a-z]([a-z0-9-]{0,61}[a-z0-9])?$/,
  "a repository name: 1 to 63 lowercase letters, digits and hyphens, beginning with a letter and not ending with a hyphen",
);

/** @see https://cloud.google.com/artifact-registry/docs/docker/names */
export const imageName = name(
  /^[a-z0-9]+((\.|_{1,2}|-+)[a-z0-9]+)*$/,
  "an image name: lowercase letters and digits, with single '.', '_' or '-' between them",
);

/** @see https://cloud.google.com/iam/docs/service-accounts-create */
export const serviceAccountName = name(
  /^[a-z][a-z0-9-]{4,28}[a-z0-9]$/,
  "a service account's id: 6 to 30 lowercase letters, digits and hyphens, beginning with a letter and not ending with a hyphen (the part before the @)",
);

/** @see https://cloud.google.com/run/docs/configuring/services/overview */
export const cloudRunName = name(
  /^[a-z]([a-z0-9-]{0,47}[a-z0-9])?$/,
  "a Cloud Run name: 1 to 49 lowercase letters, digits and hyphens, beginning with a letter and not ending with a hyphen",
);

/** A model is a folder in the bucket and the value of a label. */
export const modelName = name(
  /^(?!(checkpoints|compile-cache)$)[a-z0-9]([a-z0-9_-]{0,61}[a-z0-9])?$/,
  "a model's name: 1 to 63 lowercase letters, digits, '-' and '_', beginning and ending with a letter or digit, other than 'checkpoints' and 'compile-cache'",
);

/** @see https://cloud.google.com/compute/docs/naming-resources */
export const networkName = name(
  /^[a-z]([a-z0-9-]{0,61}[a-z0-9])?$/,
  "a network's name: 1 to 63 lowercase letters, digits and hyphens, beginning with a letter and not ending with a hyphen",
);

/** An image by tag or digest; what stands there is pulled as it is. */
export const imageUri = name(
  /^[a-z0-9.-]+(:[0-9]+)?(\/[a-z0-9._-]+)+(:[A-Za-z0-9_][A-Za-z0-9._-]{0,127})?(@sha256:[0-9a-f]{64})?$/,
  "an image with its registry and a tag or digest, such as us-docker.pkg.dev/project/repository/image:tag",
).refine((uri) => /(@sha256:|:[^/]+$)/.test(uri), {
  error:
    "an image with a tag or a digest: without one, 'latest' would change under a plan that shows nothing",
});

/** @see https://cloud.google.com/resource-manager/docs/labels-overview */
export const labels = z
  .record(
    name(
      /^[a-z][a-z0-9_-]{0,62}$/,
      "a label's key: 1 to 63 lowercase letters, digits, '-' and '_', beginning with a letter",
    ),
    name(
      /^[a-z0-9_-]{0,63}$/,
      "a label's value: up to 63 lowercase letters, digits, '-' and '_'",
    ),
    "labels as key and value",
  )
  .refine((all) => Object.keys(all).length <= 60, {
    error: "at most 60 labels (Google takes 64, and tuneserve adds its own)",
  });
