import { text } from "../json";
import type { Plan } from "../resource";
import { type Occasion, occasion, steps, trigger } from "./step";

/** An image whose build step runs. */
export interface ImageBuild {
  readonly address: string;

  /** Folder that it is built from, such as `trainer`. */
  readonly context: string;

  /** Its address with the tag, which is a hash of what it is built from. */
  readonly image: string | undefined;
  readonly imageBefore: string | undefined;
  readonly occasion: Occasion;
}

/** The images that the apply builds, unless their tag is there already. */
export function imageBuilds(plan: Plan): ImageBuild[] {
  return steps(plan, "provision/build-image.ts").flatMap((step) => {
    const why = occasion(step);
    const image = trigger(step.resource, "image");
    return why === undefined
      ? []
      : [
          {
            address: step.resource.address,
            context: text(step.environment, "CONTEXT") ?? step.resource.name,
            image: image.after,
            imageBefore: image.before,
            occasion: why,
          },
        ];
  });
}
