import { ProjectIamMember } from "@cdktf/provider-google/lib/project-iam-member";
import { StorageBucket } from "@cdktf/provider-google/lib/storage-bucket";
import { StorageBucketIamMember } from "@cdktf/provider-google/lib/storage-bucket-iam-member";
import type { ITerraformDependable } from "cdktf";
import { Construct } from "constructs";
import type { ImageRepository } from "./image-repository";
import { ServiceAccount } from "./service-account";

/** Properties for an `ImageBuilder`. */
export interface ImageBuilderProps {
  readonly projectId: string;
  readonly region: string;
  readonly accountId: string;

  /** Bucket that sources are uploaded to. */
  readonly sourceBucket: string;

  /** Region of the builds, or `global`. */
  readonly location: string;

  /** Machine type of Cloud Build, such as `E2_HIGHCPU_32`. */
  readonly machineType: string;
  readonly diskSizeGb: number;
  readonly timeoutSeconds: number;

  /** Where images go. */
  readonly repository: ImageRepository;

  /** What must exist before it. */
  readonly dependsOn: ITerraformDependable[];
}

/** What Cloud Build needs to build an image: an identity and a source bucket. */
export class ImageBuilder extends Construct {
  /** What the provisioner is told about every build. */
  public readonly environment: Record<string, string>;

  /** What must exist before a build. */
  public readonly ready: ITerraformDependable[];

  public constructor(scope: Construct, id: string, props: ImageBuilderProps) {
    super(scope, id);
    const { dependsOn } = props;

    // Without an account of its own a build runs as the default one, which new
    // organisations give no roles at all.
    // https://cloud.google.com/build/docs/cloud-build-service-account
    const account = new ServiceAccount(this, "identity", {
      accountId: props.accountId,
      displayName: "Builds the images of tuneserve",
      dependsOn,
    });
    const source = new StorageBucket(this, "source", {
      name: props.sourceBucket,
      location: props.region,
      uniformBucketLevelAccess: true,
      publicAccessPrevention: "enforced",
      // Sources are in git; nothing is lost with the bucket.
      forceDestroy: true,
      lifecycleRule: [
        { action: { type: "Delete" }, condition: { age: 1 } },
        {
          action: { type: "AbortIncompleteMultipartUpload" },
          condition: { age: 1 },
        },
      ],
      dependsOn,
    });

    this.ready = [
      new StorageBucketIamMember(this, "source-viewer", {
        bucket: source.name,
        role: "roles/storage.objectViewer",
        member: account.member,
      }),
      props.repository.grantWrite("build", account.member),
      // Log entries belong to no resource smaller than the project.
      new ProjectIamMember(this, "log-writer", {
        project: props.projectId,
        role: "roles/logging.logWriter",
        member: account.member,
      }),
    ];
    this.environment = {
      PROJECT_ID: props.projectId,
      SERVICE_ACCOUNT: account.email,
      SOURCE_BUCKET: source.name,
      LOCATION: props.location,
      MACHINE_TYPE: props.machineType,
      DISK_SIZE_GB: String(props.diskSizeGb),
      TIMEOUT_SECONDS: String(props.timeoutSeconds),
    };
  }
}
