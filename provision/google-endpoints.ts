/**
 * Base addresses of the services used, and the variable with which the
 * Terraform provider replaces each: one setting steers both.
 *
 * @see https://registry.terraform.io/providers/hashicorp/google/latest/docs/guides/provider_reference
 */
const SERVICES = {
  artifactregistry: [
    "GOOGLE_ARTIFACT_REGISTRY_CUSTOM_ENDPOINT",
    "https://artifactregistry.googleapis.com/v1/",
  ],
  billingbudgets: [
    "GOOGLE_BILLING_CUSTOM_ENDPOINT",
    "https://billingbudgets.googleapis.com/v1/",
  ],
  cloudbilling: [
    "GOOGLE_CLOUD_BILLING_CUSTOM_ENDPOINT",
    "https://cloudbilling.googleapis.com/v1/",
  ],
  cloudbuild: [
    "GOOGLE_CLOUD_BUILD_CUSTOM_ENDPOINT",
    "https://cloudbuild.googleapis.com/v1/",
  ],
  compute: [
    "GOOGLE_COMPUTE_CUSTOM_ENDPOINT",
    "https://compute.googleapis.com/compute/v1/",
  ],
  iam: ["GOOGLE_IAM_CUSTOM_ENDPOINT", "https://iam.googleapis.com/v1/"],
  iamcredentials: [
    "GOOGLE_IAM_CREDENTIALS_CUSTOM_ENDPOINT",
    "https://iamcredentials.googleapis.com/v1/",
  ],
  logging: [
    "GOOGLE_LOGGING_CUSTOM_ENDPOINT",
    "https://logging.googleapis.com/v2/",
  ],
  monitoring: [
    "GOOGLE_MONITORING_CUSTOM_ENDPOINT",
    // The provider's base, too, has no version.
    "https://monitoring.googleapis.com/",
  ],
  resourcemanager: [
    "GOOGLE_RESOURCE_MANAGER_CUSTOM_ENDPOINT",
    "https://cloudresourcemanager.googleapis.com/v1/",
  ],
  run: [
    "GOOGLE_CLOUD_RUN_V2_CUSTOM_ENDPOINT",
    "https://run.googleapis.com/v2/",
  ],
  secretmanager: [
    "GOOGLE_SECRET_MANAGER_CUSTOM_ENDPOINT",
    "https://secretmanager.googleapis.com/v1/",
  ],
  serviceusage: [
    "GOOGLE_SERVICE_USAGE_CUSTOM_ENDPOINT",
    "https://serviceusage.googleapis.com/v1/",
  ],
  storage: [
    "GOOGLE_STORAGE_CUSTOM_ENDPOINT",
    "https://storage.googleapis.com/storage/v1/",
  ],
} as const;

/** A Google service, by the first label of its host name. */
export type GoogleService = keyof typeof SERVICES;

/**
 * Address of a call, e.g. `projects/p/locations/r/jobs` of `run`.
 *
 * @param path - relative, without the version: the base carries it.
 * @throws if the custom endpoint is not one that the provider takes.
 */
export function googleUrl(
  env: NodeJS.ProcessEnv,
  service: GoogleService,
  path: string,
): URL {
  const [variable, standard] = SERVICES[service];
  const base = env[variable] || standard;
  // The provider's own rule (ValidateCustomEndpoint): anything else is refused there too.
  if (!/.*\/[^/]+\/$/.test(base) || !URL.canParse(base)) {
    throw new Error(
      `${variable} is '${base}', but it must be an address that ends with a slash, such as ${standard}`,
    );
  }
  return new URL(base + path);
}

/**
 * Address of a media upload to Cloud Storage. As in Google's Go client, it lies
 * at the root of the endpoint's host, whatever path the endpoint has.
 *
 * @param path - as for a call, e.g. `b/BUCKET/o`.
 */
export function uploadUrl(env: NodeJS.ProcessEnv, path: string): URL {
  const { origin } = googleUrl(env, "storage", "");
  return new URL(`${origin}/upload/storage/v1/${path}`);
}
