import { createHash } from "node:crypto";
import {
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  writeFileSync,
} from "node:fs";
import { join, resolve } from "node:path";
import { copy } from "./copy-instruction";
import {
  commandOf,
  DockerfileError,
  type Instruction,
  lastStage,
  readDockerfile,
} from "./dockerfile";

/** What an image says of itself: `image.json` beside its files. */
export interface BuiltImage {
  readonly entrypoint: readonly string[];
  readonly cmd: readonly string[];
  readonly env: Readonly<Record<string, string>>;
  readonly workdir: string;
}

/** An image on disk. */
export interface ImageFolder {
  readonly digest: string;
  readonly folder: string;
  readonly sizeBytes: number;
}

/**
 * Makes an image of a Dockerfile's last stage, without its base and without carrying out RUN: the files
 * that it copies in, and how it starts.
 *
 * @param images - folder of all images; the new one is called after its digest
 * @param say - takes what BuildKit would print
 * @throws DockerfileError
 */
export function buildImage(
  context: string,
  dockerfile: string,
  images: string,
  say: (line: string) => void,
): ImageFolder {
  if (!existsSync(dockerfile)) {
    throw new DockerfileError(
      "failed to read dockerfile: open Dockerfile: no such file or directory",
      1,
    );
  }
  const stage = lastStage(readDockerfile(readFileSync(dockerfile, "utf8")));
  const folder = join(images, `building-${process.hrtime.bigint()}`);
  const rootfs = join(folder, "rootfs");
  mkdirSync(rootfs, { recursive: true });
  const image = {
    entrypoint: [] as string[],
    cmd: [] as string[],
    env: {} as Record<string, string>,
    workdir: "/",
  };
  const steps = stage.filter(({ keyword }) =>
    ["FROM", "RUN", "COPY", "ADD", "WORKDIR"].includes(keyword),
  );
  try {
    for (const instruction of stage) {
      const number = steps.indexOf(instruction) + 1;
      const vertex = `#${number + 4}`;
      if (number > 0) {
        say(
          `${vertex} [${number}/${steps.length}] ${instruction.keyword} ${instruction.value.replace(/\s+/g, " ").slice(0, 120)}`,
        );
      }
      try {
        carryOut(instruction, image, context, rootfs);
      } catch (error) {
        say(`${vertex} ERROR: ${(error as Error).message}`);
        throw error;
      }
      if (instruction.keyword === "RUN") {
        say(`${vertex} not carried out by this local cloud`);
      }
    }
  } catch (error) {
    rmSync(folder, { recursive: true });
    throw error;
  }
  mkdirSync(join(rootfs, image.workdir), { recursive: true });
  writeFileSync(join(folder, "image.json"), JSON.stringify(image));
  return named(folder, images);
}

function carryOut(
  { keyword, value, line }: Instruction,
  image: {
    entrypoint: string[];
    cmd: string[];
    env: Record<string, string>;
    workdir: string;
  },
  context: string,
  rootfs: string,
): void {
  switch (keyword) {
    case "ENV":
      for (const [, name = "", text = ""] of /^\w+=/.test(value)
        ? value.matchAll(/(\w+)=("(?:[^"\\]|\\.)*"|\S+)/g)
        : [/^(\w+)\s+(.*)$/.exec(value)!]) {
        image.env[name] = text.replace(/^"(.*)"$/, "$1");
      }
      return;
    case "WORKDIR":
      image.workdir = resolve(image.workdir, value);
      return;
    case "ENTRYPOINT":
      image.entrypoint = commandOf({ keyword, value, line });
      image.cmd = [];
      return;
    case "CMD":
      image.cmd = commandOf({ keyword, value, line });
      return;
    case "COPY":
    case "ADD":
      copy(value, line, image.workdir, context, rootfs);
      return;
    default:
  }
}

/** Moves a finished image to its digest's place. */
function named(folder: string, images: string): ImageFolder {
  const hash = createHash("sha256");
  let sizeBytes = 0;
  const files = readdirSync(folder, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath ?? entry.path, entry.name))
    .sort();
  for (const file of files) {
    const bytes = readFileSync(file);
    hash.update(file.slice(folder.length)).update("\0").update(bytes);
    sizeBytes += bytes.length;
  }
  const digest = hash.digest("hex");
  const final = join(images, digest);
  if (existsSync(final)) rmSync(folder, { recursive: true });
  else renameSync(folder, final);
  return { digest: `sha256:${digest}`, folder: final, sizeBytes };
}
