/** An API that is spoken here. */
export interface Service {
  /** Name and version of its discovery document. */
  readonly name: string;
  readonly version: string;

  /** First segment of its address here. */
  readonly prefix: string;

  /** What stands behind the prefix in the provider's custom endpoint. */
  readonly base: string;

  /** The provider's variable. @see https://registry.terraform.io/providers/hashicorp/google/latest/docs/guides/provider_versions */
  readonly variable?: string;

  /** Name in gcloud's `api_endpoint_overrides`. */
  readonly gcloud?: string;

  /** Whether a new project has it switched on. */
  readonly alwaysOn?: boolean;
}

export const SERVICES: readonly Service[] = [
  {
    name: "serviceusage",
    version: "v1",
    prefix: "serviceusage",
    base: "v1/",
    variable: "GOOGLE_SERVICE_USAGE_CUSTOM_ENDPOINT",
    gcloud: "serviceusage",
    alwaysOn: true,
  },
  {
    // Quotas are in this version alone.
    name: "serviceusage",
    version: "v1beta1",
    prefix: "serviceusage",
    base: "v1beta1/",
    alwaysOn: true,
  },
  {
    name: "cloudresourcemanager",
    version: "v1",
    prefix: "cloudresourcemanager",
    base: "v1/",
    variable: "GOOGLE_RESOURCE_MANAGER_CUSTOM_ENDPOINT",
    gcloud: "cloudresourcemanager",
    alwaysOn: true,
  },
  {
    name: "compute",
    version: "v1",
    prefix: "compute",
    base: "v1/",
    variable: "GOOGLE_COMPUTE_CUSTOM_ENDPOINT",
  },
  {
    name: "iam",
    version: "v1",
    prefix: "iam",
    base: "v1/",
    variable: "GOOGLE_IAM_CUSTOM_ENDPOINT",
    gcloud: "iam",
  },
  {
    name: "iamcredentials",
    version: "v1",
    prefix: "iamcredentials",
    base: "v1/",
    variable: "GOOGLE_IAM_CREDENTIALS_CUSTOM_ENDPOINT",
    gcloud: "iamcredentials",
    alwaysOn: true,
  },
  {
    name: "secretmanager",
    version: "v1",
    prefix: "secretmanager",
    base: "v1/",
    variable: "GOOGLE_SECRET_MANAGER_CUSTOM_ENDPOINT",
    gcloud: "secretmanager",
  },
  {
    name: "storage",
    version: "v1",
    prefix: "storage",
    base: "v1/",
    variable: "GOOGLE_STORAGE_CUSTOM_ENDPOINT",
    gcloud: "storage",
  },
  {
    name: "artifactregistry",
    version: "v1",
    prefix: "artifactregistry",
    base: "v1/",
    variable: "GOOGLE_ARTIFACT_REGISTRY_CUSTOM_ENDPOINT",
    gcloud: "artifactregistry",
  },
  {
    name: "cloudbuild",
    version: "v1",
    prefix: "cloudbuild",
    base: "v1/",
    variable: "GOOGLE_CLOUD_BUILD_CUSTOM_ENDPOINT",
    gcloud: "cloudbuild",
  },
  {
    name: "run",
    version: "v2",
    prefix: "run",
    base: "v2/",
    variable: "GOOGLE_CLOUD_RUN_V2_CUSTOM_ENDPOINT",
  },
  {
    name: "logging",
    version: "v2",
    prefix: "logging",
    base: "v2/",
    variable: "GOOGLE_LOGGING_CUSTOM_ENDPOINT",
    gcloud: "logging",
  },
  {
    name: "monitoring",
    version: "v3",
    prefix: "monitoring",
    base: "",
    variable: "GOOGLE_MONITORING_CUSTOM_ENDPOINT",
    gcloud: "monitoring",
  },
  {
    // Dashboards are in this version alone.
    name: "monitoring",
    version: "v1",
    prefix: "monitoring",
    base: "v1/",
  },
  {
    name: "cloudbilling",
    version: "v1",
    prefix: "cloudbilling",
    base: "v1/",
    variable: "GOOGLE_CLOUD_BILLING_CUSTOM_ENDPOINT",
    gcloud: "cloudbilling",
  },
  {
    name: "billingbudgets",
    version: "v1",
    prefix: "billingbudgets",
    base: "v1/",
    variable: "GOOGLE_BILLING_CUSTOM_ENDPOINT",
    gcloud: "billingbudgets",
  },
];
