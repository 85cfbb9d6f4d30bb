import type { Policy } from "./iam/policy";

/** A resource in its API's own JSON form. */
export type Json = Record<string, any>;

/** A long-running operation. @see https://google.aip.dev/151 */
export interface Operation {
  readonly name: string;
  metadata: Json;
  done: boolean;
  response?: Json;
  error?: { readonly code: number; readonly message: string };

  /** When it may first be seen as done, in ms. */
  notBefore: number;
}

/** An object's version in Cloud Storage; its bytes lie in a file named after the generation. */
export interface StoredObject {
  readonly bucket: string;
  readonly name: string;
  readonly generation: string;
  metageneration: string;
  readonly size: string;
  readonly crc32c: string;
  readonly md5Hash?: string;
  readonly timeCreated: string;
  updated: string;
  etag: string;

  /** Since when it is noncurrent. */
  timeDeleted?: string;

  /** `contentType`, `metadata` and what else its owner sets. */
  fields: Json;
}

/** What was built and pushed. */
export interface Image {
  /** `LOCATION-docker.pkg.dev/PROJECT/REPOSITORY/NAME`. */
  readonly name: string;
  readonly digest: string;
  readonly tags: string[];
  readonly uploadTime: string;
  readonly sizeBytes: number;

  /** Folder with the files of the image and `image.json`. */
  readonly folder: string;
}

/** Whom an access token stands for, as IAM writes it. */
export interface AccessToken {
  readonly principal: string;
  readonly expires: number;
}

/** Everything that the cloud remembers, as plain JSON. */
export interface CloudState {
  /** When an API was enabled, in ms, by its host name. */
  apis: Record<string, number>;

  /** Policies by full resource name; the last one is in force, older ones until it has got around. */
  policies: Record<string, { since: number; policy: Policy }[]>;
  operations: Record<string, Operation>;
  accounts: Record<string, Json>;

  /** Keys of accounts by name, with their public half. */
  accountKeys: Record<
    string,
    { readonly key: Json; readonly publicKey: string }
  >;
  secrets: Record<string, Json>;

  /** With their payload in base64, by name. */
  secretVersions: Record<string, { version: Json; data?: string }>;
  buckets: Record<string, Json>;
  objects: Record<string, StoredObject[]>;
  repositories: Record<string, Json>;
  images: Image[];
  builds: Record<string, Json>;
  jobs: Record<string, Json>;
  executions: Record<string, Json>;
  tasks: Record<string, Json>;
  services: Record<string, Json>;
  revisions: Record<string, Json>;
  logEntries: Json[];
  tokens: Record<string, AccessToken>;

  /** Resources that are only kept: dashboards, alert policies, channels, budgets; by name. */
  kept: Record<string, Json>;
}

export function emptyState(): CloudState {
  return {
    apis: {},
    policies: {},
    operations: {},
    accounts: {},
    accountKeys: {},
    secrets: {},
    secretVersions: {},
    buckets: {},
    objects: {},
    repositories: {},
    images: [],
    builds: {},
    jobs: {},
    executions: {},
    tasks: {},
    services: {},
    revisions: {},
    logEntries: [],
    tokens: {},
    kept: {},
  };
}
