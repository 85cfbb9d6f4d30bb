import type { Construct } from "constructs";
import {
  ContainerImage,
  type ContainerImageProps,
  readyImage,
  type RunnableImage,
} from "./container-image";

/** Properties for `ContainerImages`. */
export interface ContainerImagesProps
  extends Pick<ContainerImageProps, "repository" | "builder"> {
  /** Hash of each folder with a Dockerfile. */
  readonly sources: Readonly<Record<"trainer" | "vllm", string>>;

  /** Names of the images in the repository. */
  readonly names: Readonly<Record<"trainer" | "vllm", string>>;
}

/** The images of a stack: each is built once, whichever models need it. */
export class ContainerImages {
  private readonly built = new Map<string, ContainerImage>();

  public constructor(
    private readonly scope: Construct,
    private readonly props: ContainerImagesProps,
  ) {}

  /**
   * @param ready - address of an image that takes the built one's place
   * @param base - which of the Dockerfile's bases it starts from
   */
  public image(
    context: "trainer" | "vllm",
    ready: string | undefined,
    base?: string,
  ): RunnableImage {
    if (ready !== undefined) return readyImage(ready);
    const id = [context, "image", base].filter(Boolean).join("-");
    const known = this.built.get(id);
    if (known !== undefined) return known;
    const { sources, names, repository, builder } = this.props;
    const made = new ContainerImage(this.scope, id, {
      context,
      sourceHash: sources[context],
      ...(base === undefined ? {} : { buildArguments: { BASE: base } }),
      imageName: names[context],
      repository,
      builder,
    });
    this.built.set(id, made);
    return made;
  }
}
