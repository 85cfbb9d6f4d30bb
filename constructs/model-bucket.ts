import { StorageBucket } from "@cdktf/provider-google/lib/storage-bucket";
import { StorageBucketIamMember } from "@cdktf/provider-google/lib/storage-bucket-iam-member";
import type { ITerraformDependable } from "cdktf";
import { Construct } from "constructs";
import { COMPILE_CACHE } from "./vllm-server";

/** Properties for a `ModelBucket`. */
export interface ModelBucketProps {
  readonly bucketName: string;
  readonly region: string;

  /** Whether a destroy may delete it together with the models in it. */
  readonly forceDestroy: boolean;

  /** Whether services keep in it what they compiled. */
  readonly compileCache: boolean;

  /** Whether services stream models from it instead of mounting it. */
  readonly streamed: boolean;

  /** What must exist before it. */
  readonly dependsOn: ITerraformDependable[];
}

/**
 * The bucket of the models: `MODEL/RUN_ID/` holds a published version, and
 * `checkpoints/MODEL/RUN_ID/` what a run needs until it is published.
 */
export class ModelBucket extends Construct {
  /** Name of the bucket. */
  public readonly bucketName: string;

  /** The grants, which take a while to spread. */
  public readonly grants: ITerraformDependable[] = [];

  public constructor(
    scope: Construct,
    id: string,
    private readonly props: ModelBucketProps,
  ) {
    super(scope, id);

    const bucket = new StorageBucket(this, "Resource", {
      name: props.bucketName,
      location: props.region,
      forceDestroy: props.forceDestroy,
      uniformBucketLevelAccess: true,
      publicAccessPrevention: "enforced",
      versioning: { enabled: true },
      lifecycleRule: [
        {
          action: { type: "Delete" },
          condition: { daysSinceNoncurrentTime: 7, withState: "ARCHIVED" },
        },
        {
          action: { type: "Delete" },
          condition: { age: 14, matchesPrefix: [CHECKPOINTS] },
        },
        ...(props.compileCache
          ? [
              {
                action: { type: "Delete" },
                condition: { age: 90, matchesPrefix: [CACHE] },
              },
            ]
          : []),
        {
          action: { type: "AbortIncompleteMultipartUpload" },
          condition: { age: 7 },
        },
      ],
      dependsOn: props.dependsOn,
    });
    this.bucketName = bucket.name;
  }

  /**
   * Lets a member publish and keep checkpoints. Overwriting and deleting end at
   * `checkpoints/`: no training code can alter a version that was published.
   *
   * @see https://cloud.google.com/storage/docs/access-control/iam-roles
   */
  public grantTraining(id: string, member: string): void {
    this.grant(`${id}-viewer`, VIEWER, member);
    // Compiled code is run by the services: no training code may write any.
    this.grant(
      `${id}-creator`,
      "roles/storage.objectCreator",
      member,
      this.props.compileCache
        ? {
            title: "no-compile-cache",
            description: "What services run is written by services",
            expression: `!${this.below(CACHE)}`,
          }
        : undefined,
    );
    this.grant(`${id}-checkpoints`, "roles/storage.objectUser", member, {
      title: "checkpoints-only",
      description: "Published versions stay as they are",
      expression: this.below(CHECKPOINTS),
    });
  }

  /** Lets a member read models, and keep what it compiled without replacing any. */
  public grantServing(id: string, member: string): void {
    this.grant(`${id}-viewer`, VIEWER, member);
    if (this.props.streamed) {
      // The Run:ai streamer asks for the bucket itself before it reads objects.
      this.grant(`${id}-metadata`, "roles/storage.legacyBucketReader", member);
    }
    if (this.props.compileCache) {
      this.grant(`${id}-compile-cache`, "roles/storage.objectCreator", member, {
        title: "compile-cache-only",
        description: "Creates what other instances of the service start from",
        expression: this.below(CACHE),
      });
    }
  }

  private below(folder: string): string {
    return `resource.name.startsWith("projects/_/buckets/${this.bucketName}/objects/${folder}")`;
  }

  private grant(
    id: string,
    role: string,
    member: string,
    condition?: { title: string; description: string; expression: string },
  ): void {
    this.grants.push(
      new StorageBucketIamMember(this, id, {
        bucket: this.bucketName,
        role,
        member,
        ...(condition === undefined ? {} : { condition }),
      }),
    );
  }
}

const VIEWER = "roles/storage.objectViewer";
const CHECKPOINTS = "checkpoints/";
const CACHE = `${COMPILE_CACHE}/`;
