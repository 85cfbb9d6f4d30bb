import type { GoogleService } from "../../provision/google-endpoints";

/** A block of the stack's JSON. */
export type Block = Readonly<Record<string, unknown>>;

/** Something that an API tells about a resource. */
export type Found = Readonly<Record<string, any>>;

/** Where a declared resource would be found, and the id under which the provider imports it. */
export interface Identity {
  readonly service: GoogleService;
  readonly path: string;
  readonly importId: string;

  /** Whether what is there is this stack's, judged by what only the stack would have set. */
  readonly isOurs: (found: Found) => boolean;
}

/** What names a stack's resources. */
export interface Owner {
  readonly project: string;

  /** Value of the label `env`, which the provider puts on all that takes labels. */
  readonly environment: string;
}

type Identify = (block: Block, owner: Owner) => Identity;

/**
 * Types whose second creation ends in "already exists". The paths are the ids:
 * the provider's documentation has them under "Import" for each type.
 *
 * @see https://registry.terraform.io/providers/hashicorp/google/6.50.0/docs
 */
const IDENTITIES: Readonly<Record<string, Identify>> = {
  google_service_account: ({ account_id, display_name }, { project }) => {
    const path = `projects/${project}/serviceAccounts/${account_id}@${project}.iam.gserviceaccount.com`;
    return {
      service: "iam",
      path,
      importId: path,
      // It has no labels.
      isOurs: ({ displayName }) => displayName === display_name,
    };
  },

  google_storage_bucket: ({ name }, { environment }) => ({
    service: "storage",
    path: `b/${name}`,
    importId: String(name),
    isOurs: labelled(environment),
  }),

  google_artifact_registry_repository: (block, { project, environment }) =>
    byPath(
      "artifactregistry",
      `projects/${project}/locations/${block["location"]}/repositories/${block["repository_id"]}`,
      environment,
    ),

  google_secret_manager_secret: ({ secret_id }, { project, environment }) =>
    byPath(
      "secretmanager",
      `projects/${project}/secrets/${secret_id}`,
      environment,
    ),

  google_cloud_run_v2_job: (block, { project, environment }) =>
    byPath(
      "run",
      `projects/${project}/locations/${block["location"]}/jobs/${block["name"]}`,
      environment,
    ),

  google_cloud_run_v2_service: (block, { project, environment }) =>
    byPath(
      "run",
      `projects/${project}/locations/${block["location"]}/services/${block["name"]}`,
      environment,
    ),
};

/** @returns undefined for a type whose creation finds what is there already */
export function identify(
  type: string,
  block: Block,
  owner: Owner,
): Identity | undefined {
  return IDENTITIES[type]?.(block, owner);
}

function byPath(
  service: GoogleService,
  path: string,
  environment: string,
): Identity {
  return { service, path, importId: path, isOurs: labelled(environment) };
}

function labelled(environment: string): (found: Found) => boolean {
  return ({ labels }) => labels?.env === environment;
}
