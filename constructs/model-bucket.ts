import { StorageBucket } from "@cdktf/provider-google/lib/storage-bucket";
import { StorageBucketIamMember } from "@cdktf/provider-google/lib/storage-bucket-iam-member";
import type { ITerraformDependable } from "cdktf";
import { Construct } from "constructs";

/** Properties for a `ModelBucket`. */
export interface ModelBucketProps {
  readonly bucketName: string;
  readonly region: string;

  /** Whether a destroy may delete it together with the models in it. */
  readonly forceDestroy: boolean;

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

  public constructor(scope: Construct, id: string, props: ModelBucketProps) {
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
        {
          action: { type: "AbortIncompleteMultipartUpload" },
          condition: { age: 7 },
        },
      ],
      dependsOn: props.dependsOn,
    });
    this.bucketName = bucket.name;
  }

  /** Lets a member read everything. */
  public grantRead(id: string, member: string): void {
    this.grant(`${id}-viewer`, "roles/storage.objectViewer", member);
  }

  /**
   * Lets a member publish and keep checkpoints. Overwriting and deleting end at
   * `checkpoints/`: no training code can alter a version that was published.
   *
   * @see https://cloud.google.com/storage/docs/access-control/iam-roles
   */
  public grantTraining(id: string, member: string): void {
    this.grantRead(id, member);
    this.grant(`${id}-creator`, "roles/storage.objectCreator", member);
    this.grant(`${id}-checkpoints`, "roles/storage.objectUser", member, {
      title: "checkpoints-only",
      description: "Published versions stay as they are",
      expression: `resource.name.startsWith("projects/_/buckets/${this.bucketName}/objects/${CHECKPOINTS}")`,
    });
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

const CHECKPOINTS = "checkpoints/";
