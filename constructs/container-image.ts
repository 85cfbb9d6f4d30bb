import type { ITerraformDependable } from "cdktf";
import { Construct } from "constructs";
import type { ImageBuilder } from "./image-builder";
import type { ImageRepository } from "./image-repository";
import { type BuildArguments, imageTag } from "./image-tag";
import { Provisioner } from "./provisioner";

/** Properties for a `ContainerImage`. */
export interface ContainerImageProps {
  /** Folder with the Dockerfile, below the project's root. */
  readonly context: string;

  /** Hash of that folder; becomes the tag, with the build's arguments. */
  readonly sourceHash: string;

  /**
   * Arguments of the build.
   *
   * @default - none
   */
  readonly buildArguments?: BuildArguments;

  /** Name of the image in the repository. */
  readonly imageName: string;

  readonly repository: ImageRepository;
  readonly builder: ImageBuilder;
}

/** An image that a container can run. */
export interface RunnableImage {
  /** Address with tag or digest. */
  readonly uri: string;

  /** Identity of what is in it, for manifests. */
  readonly source: string;

  /** What must exist before it can be pulled. */
  readonly ready: ITerraformDependable[];
}

/** An image that was built elsewhere. */
export function readyImage(uri: string): RunnableImage {
  return { uri, source: uri, ready: [] };
}

/** An image that Cloud Build makes from a folder of this project. */
export class ContainerImage extends Construct implements RunnableImage {
  public readonly uri: string;
  public readonly source: string;
  public readonly ready: ITerraformDependable[];

  public constructor(scope: Construct, id: string, props: ContainerImageProps) {
    super(scope, id);
    const { buildArguments = {} } = props;
    const image = `${props.repository.address}/${props.imageName}`;
    const tag = imageTag(props.sourceHash, buildArguments);

    this.uri = `${image}:${tag}`;
    this.source = props.sourceHash;
    const build = new Provisioner(this, "build", {
      script: "provision/build-image.ts",
      triggers: { image: this.uri },
      environment: {
        ...props.builder.environment,
        CONTEXT: props.context,
        IMAGE: image,
        TAG: tag,
        BUILD_ARGUMENTS: JSON.stringify(buildArguments),
      },
      dependsOn: [props.repository.resource, ...props.builder.ready],
    });
    this.ready = [build.resource];
  }
}
