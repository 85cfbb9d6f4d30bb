import type { IncomingMessage } from "node:http";
import { join, resolve } from "node:path";
import { ApiError } from "../api-error";
import type { Cloud } from "../cloud";
import type { Json } from "../state";
import { buildImage, type ImageFolder } from "./built-image";
import { DockerfileError } from "./dockerfile";
import { pushImage } from "./push-image";

/** A build whose steps may call `docker`. */
export interface DockerSession {
  readonly account: string;

  /** What was built, by tag. */
  readonly images: Map<string, ImageFolder>;
}

const sessions = new Map<string, DockerSession>();

export function openDocker(buildId: string, account: string): DockerSession {
  const session = { account, images: new Map() };
  sessions.set(buildId, session);
  return session;
}

export function closeDocker(buildId: string): void {
  sessions.delete(buildId);
}

/** What `docker` in a build's step calls: its arguments in, its output and exit code out. */
export async function dockerStep(
  cloud: Cloud,
  request: IncomingMessage,
): Promise<Json> {
  const chunks: Buffer[] = [];
  for await (const chunk of request) chunks.push(chunk as Buffer);
  const { build, args, directory } = JSON.parse(
    Buffer.concat(chunks).toString(),
  );
  const session = sessions.get(build);
  if (session === undefined) {
    throw new ApiError(404, "no such build");
  }
  const output: string[] = [];
  try {
    docker(cloud, session, args, directory, (line) => output.push(line));
    return { output, code: 0 };
  } catch (error) {
    if (error instanceof DockerfileError) {
      output.push(`Dockerfile:${error.line}`);
      output.push(`ERROR: failed to build: failed to solve: ${error.message}`);
    } else {
      output.push((error as Error).message);
    }
    return { output, code: 1 };
  }
}

function docker(
  cloud: Cloud,
  session: DockerSession,
  [command, ...args]: string[],
  directory: string,
  say: (line: string) => void,
): void {
  const option = (...names: string[]) =>
    args.flatMap((arg, index) =>
      names.includes(arg)
        ? [args[index + 1] ?? ""]
        : names.some((name) => arg.startsWith(`${name}=`))
          ? [arg.slice(arg.indexOf("=") + 1)]
          : [],
    );
  const target = args.at(-1) ?? "";
  if (command === "build") {
    const context = resolve(directory, target);
    const file = resolve(context, option("--file", "-f")[0] ?? "Dockerfile");
    const images = join(cloud.settings.folder, "images");
    const image = buildImage(
      context,
      file,
      images,
      args.includes("--quiet") ? () => undefined : say,
    );
    for (const tag of option("--tag", "-t")) session.images.set(tag, image);
    say(image.digest);
    return;
  }
  if (command === "push") {
    const image = session.images.get(target);
    if (image === undefined) {
      throw new Error(
        `An image does not exist locally with the tag: ${target}`,
      );
    }
    pushImage(cloud, session.account, target, image);
    say(`${target}: digest: ${image.digest}`);
    return;
  }
  throw new Error(`docker ${command} is not known to this local cloud`);
}
