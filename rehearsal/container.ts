import { CommandError } from "../commands/command-line";
import type { SynthesizedStack } from "./synthesized-stack";

/** A Cloud Run container as the synthesized stack describes it, with all references resolved. */
export interface Container {
  /** Plain environment variables; those from a secret are left out. */
  readonly environment: Record<string, string>;
  readonly args: readonly string[];

  /** In place of the image's ENTRYPOINT, where the stack sets it. */
  readonly command: readonly string[] | undefined;

  /** The bucket behind the container's volume, and where it is mounted. */
  readonly bucket: string;
  readonly mountPath: string;
}

interface ContainerJson {
  readonly env?: readonly { readonly name: string; readonly value?: string }[];
  readonly args?: readonly string[];
  readonly command?: readonly string[];
  readonly volume_mounts?: readonly {
    readonly name: string;
    readonly mount_path: string;
  }[];
}

interface TemplateJson {
  readonly containers: readonly ContainerJson[];
  readonly volumes?: readonly {
    readonly name: string;
    readonly gcs?: { readonly bucket: string };
  }[];
}

/** The container of the stack's one training job. */
export function jobContainer(stack: SynthesizedStack): Container {
  const job = only(stack, "google_cloud_run_v2_job");
  return container(
    stack,
    (job.template as { readonly template: TemplateJson }).template,
  );
}

/** The container of the stack's one service. */
export function serviceContainer(stack: SynthesizedStack): Container {
  const service = only(stack, "google_cloud_run_v2_service");
  return container(stack, service.template as TemplateJson);
}

/**
 * The container with its bucket as a local folder: `gs://BUCKET` and the mount path stand for the
 * folder in environment and arguments. Nothing else changes.
 */
export function localized(container: Container, folder: string): Container {
  const { bucket, mountPath } = container;
  // Whole path segments only: gs://models-old is not the bucket "models".
  const here = new RegExp(
    `(gs://${escaped(bucket)}|${escaped(mountPath)})(?![\\w.-])`,
    "g",
  );
  const local = (text: string) => text.replace(here, () => folder);
  return {
    ...container,
    environment: Object.fromEntries(
      Object.entries(container.environment).map(([name, value]) => [
        name,
        local(value),
      ]),
    ),
    args: container.args.map(local),
  };
}

function only(stack: SynthesizedStack, type: string): Record<string, unknown> {
  const found = Object.values(stack.resource[type] ?? {});
  if (found.length !== 1) {
    throw new CommandError(
      `The synthesized stack has ${found.length} resources of type ${type}; a rehearsal runs exactly one.`,
    );
  }
  return found[0]!;
}

function container(stack: SynthesizedStack, template: TemplateJson): Container {
  const {
    env = [],
    args = [],
    command,
    volume_mounts: mounts = [],
  } = template.containers[0]!;
  const mount = mounts[0];
  const volume = template.volumes?.find(({ name }) => name === mount?.name);
  if (mount === undefined || volume?.gcs === undefined) {
    throw new CommandError(
      "A container of the synthesized stack mounts no bucket; both the job's and the service's must (serving.loadFormat stream mounts none: rehearse with mount).",
    );
  }
  const resolve = (text: string) => resolved(stack, text);
  return {
    environment: Object.fromEntries(
      env.flatMap(({ name, value }) =>
        value === undefined ? [] : [[name, resolve(value)]],
      ),
    ),
    args: args.map(resolve),
    command: command?.map(resolve),
    bucket: resolve(volume.gcs.bucket),
    mountPath: mount.mount_path,
  };
}

/**
 * A text of the JSON with `${type.id.attribute}` replaced by what the stack sets there.
 *
 * @throws CommandError for an attribute that only Google Cloud knows
 */
export function resolved(stack: SynthesizedStack, text: string): string {
  return text.replace(/\$?\$\{([^}]*)\}/g, (whole, reference: string) => {
    // Terraform's own escape for a literal "${".
    if (whole.startsWith("$$")) {
      return whole.slice(1);
    }
    const [type = "", id = "", attribute = ""] = reference.split(".");
    const value = stack.resource[type]?.[id]?.[attribute];
    if (typeof value !== "string") {
      throw new CommandError(
        `The container uses ${whole}, which the synthesized stack does not set: only an apply in Google Cloud would tell.`,
      );
    }
    return resolved(stack, value);
  });
}

function escaped(text: string): string {
  return text.replace(/[.*+?^${}()|[\]\\]/g, "\\$&");
}
