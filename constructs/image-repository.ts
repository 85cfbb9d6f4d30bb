import { ArtifactRegistryRepository } from "@cdktf/provider-google/lib/artifact-registry-repository";
import { ArtifactRegistryRepositoryIamMember } from "@cdktf/provider-google/lib/artifact-registry-repository-iam-member";
import type { ITerraformDependable } from "cdktf";
import { Construct } from "constructs";

/** Properties for an `ImageRepository`. */
export interface ImageRepositoryProps {
  readonly projectId: string;
  readonly region: string;
  readonly repository: string;

  /** What must exist before it. */
  readonly dependsOn: ITerraformDependable[];
}

/**
 * The Docker repository. Tags are hashes of what was built and cannot be moved,
 * so a tag in a plan means the same bytes for ever.
 */
export class ImageRepository extends Construct {
  /** Address of an image is this, a slash and the image's name. */
  public readonly address: string;

  /** The repository. */
  public readonly resource: ArtifactRegistryRepository;

  public constructor(
    scope: Construct,
    id: string,
    props: ImageRepositoryProps,
  ) {
    super(scope, id);

    this.address = `${props.region}-docker.pkg.dev/${props.projectId}/${props.repository}`;
    this.resource = new ArtifactRegistryRepository(this, "Resource", {
      repositoryId: props.repository,
      location: props.region,
      format: "DOCKER",
      description: "Images that fine-tune and serve models",
      dockerConfig: { immutableTags: true },
      cleanupPolicyDryRun: false,
      cleanupPolicies: [
        {
          id: "delete-untagged",
          action: "DELETE",
          condition: { tagState: "UNTAGGED", olderThan: "604800s" },
        },
      ],
      dependsOn: props.dependsOn,
    });
  }

  /** Lets a member push images. */
  public grantWrite(id: string, member: string): ITerraformDependable {
    return new ArtifactRegistryRepositoryIamMember(this, `${id}-writer`, {
      repository: this.resource.name,
      location: this.resource.location,
      role: "roles/artifactregistry.writer",
      member,
    });
  }
}
