import { z } from "zod";
import { budgetSettings } from "./budget-settings";
import { GPU_REGIONS } from "./gpu-shapes";
import { type ModelSettings, modelSettings } from "./model-settings";
import {
  bucketName,
  imageName,
  labels,
  networkName,
  projectId,
  repositoryName,
  secretName,
  serviceAccountName,
} from "./resource-names";
import { crossChecks } from "./settings-cross-checks";

const network = z
  .union(
    [
      z.literal("none"),
      z.strictObject({
        network: networkName.default("default"),
        subnetwork: networkName.default("default"),
        /** `all` needs Cloud NAT for whatever is downloaded from a hub. */
        egress: z.enum(["private-ranges", "all"]).default("private-ranges"),
      }),
    ],
    {
      error:
        '"none", or {"network", "subnetwork", "egress"} with egress "private-ranges" or "all"',
    },
  )
  .prefault({});

const token = z.strictObject({
  /** Who writes the secret: this stack, somebody else, or nobody needs one. */
  source: z
    .enum(["variable", "existing", "none"], {
      error:
        "variable (Terraform writes it), existing (the secret is there) or none (the base needs no token)",
    })
    .default("variable"),
  secret: secretName.default("HF_TOKEN"),
  /** Raise it to write a new token. */
  version: z
    .int("a whole number from 1")
    .min(1, "a whole number from 1")
    .default(1),
  replication: z
    .union(
      [
        z.literal("automatic"),
        z.array(z.string().regex(/^[a-z]+-[a-z]+\d+$/)).min(1),
      ],
      { error: '"automatic", or a list of regions' },
    )
    .default("automatic"),
  /** Whether the secret must be unlocked before a destroy; on in production. */
  deletionProtection: z.boolean("true or false").default(false),
});

const build = z.strictObject({
  sourceBucket: bucketName.optional(),
  machineType: z
    .enum(
      ["E2_HIGHCPU_32", "E2_HIGHCPU_8", "N1_HIGHCPU_32", "N1_HIGHCPU_8"],
      "E2_HIGHCPU_32, E2_HIGHCPU_8, N1_HIGHCPU_32 or N1_HIGHCPU_8",
    )
    .default("E2_HIGHCPU_32"),
  diskSizeGb: z
    .int("a whole number from 100 to 4000 GB")
    .min(100, "a whole number from 100 to 4000 GB")
    .max(4000, "a whole number from 100 to 4000 GB")
    .default(200),
  timeoutSeconds: z
    .int("a whole number from 60 to 86400 seconds")
    .min(60, "a whole number from 60 to 86400 seconds")
    .max(86400, "a whole number from 60 to 86400 seconds")
    .default(3600),
  /** Where builds run; the environment's region where it is not set. */
  location: z
    .string("a region or global")
    .regex(/^(global|[a-z]+-[a-z]+\d+)$/, "a region or global")
    .optional(),
});

/** One environment: a project with its models, one Terraform state, one stack. */
export const environmentSettings = z.strictObject({
  projectId,
  region: z.enum(GPU_REGIONS as [string, ...string[]], {
    error: `a region with GPUs for Cloud Run: ${GPU_REGIONS.join(", ")}`,
  }),
  labels: labels.default({}),
  state: z
    .strictObject({
      /** A bucket that exists already; without it the state is a local file. */
      bucket: bucketName.optional(),
      prefix: z
        .string("a prefix")
        .regex(/^[\w./-]+$/, "a prefix")
        .default("tuneserve"),
    })
    .prefault({}),
  network,
  token: token.prefault({}),
  /** In production a budget is the default. */
  budget: budgetSettings.default("none"),
  bucket: z
    .strictObject({
      name: bucketName.optional(),
      forceDestroy: z.boolean("true or false").default(false),
    })
    .prefault({}),
  repository: repositoryName.default("codelab-finetuning-jobs"),
  /** Names of the images in the repository. */
  images: z
    .strictObject({
      trainer: imageName.default("finetune-to-gcs"),
      vllm: imageName.default("serve-finetuned"),
    })
    .prefault({}),
  serviceAccounts: z
    .strictObject({
      build: serviceAccountName.default("finetune-build-sa"),
      train: serviceAccountName.default("finetune-job-sa"),
      serve: serviceAccountName.default("serve-gemma-sa"),
    })
    .prefault({}),
  /** Seconds for new grants to reach every Google service. */
  grantsSeconds: z
    .int("a whole number from 0 to 900 seconds")
    .min(0, "a whole number from 0 to 900 seconds")
    .max(900, "a whole number from 0 to 900 seconds")
    .default(120),
  build: build.prefault({}),
  models: z
    .record(z.string(), modelSettings, "models by name")
    .refine((models) => Object.keys(models).length > 0, {
      error: 'at least one model, such as {"gemma-2b-sql-finetuned": {}}',
    }),
});

type Parsed = z.infer<typeof environmentSettings>;

/** Settings of one environment, complete with defaults and derived names. */
export interface EnvironmentSettings extends Parsed {
  readonly bucket: Parsed["bucket"] & { readonly name: string };
  readonly build: Parsed["build"] & {
    readonly sourceBucket: string;
    readonly location: string;
  };
  readonly models: Record<string, ModelSettings & { readonly name: string }>;
}

/** Fills in the names that follow from others. */
export function withDerivedNames(parsed: Parsed): EnvironmentSettings {
  const { projectId, region, bucket, build, models } = parsed;
  return {
    ...parsed,
    bucket: {
      ...bucket,
      name: bucket.name ?? `${projectId}-codelab-finetuning-jobs`,
    },
    build: {
      ...build,
      sourceBucket: build.sourceBucket ?? `${projectId}-tuneserve-source`,
      location: build.location ?? region,
    },
    models: Object.fromEntries(
      Object.entries(models).map(([key, model]) => [
        key,
        { ...model, name: model.name ?? key },
      ]),
    ),
  };
}

/** All settings: the `context` of cdktf.json with the overrides put in. */
export const settings = z
  .strictObject({
    environments: z
      .record(
        z
          .string()
          .regex(
            /^[a-z][a-z0-9-]{0,30}$/,
            "an environment's name: lowercase letters, digits and hyphens",
          ),
        environmentSettings,
        "environments by name",
      )
      .refine((all) => Object.keys(all).length > 0, {
        error: "at least one environment",
      }),
  })
  // Also where single values are wrong: every problem in one go.
  .superRefine(crossChecks, { when: () => true });
