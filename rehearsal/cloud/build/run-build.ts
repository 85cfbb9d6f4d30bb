import { copyFileSync, mkdirSync, rmSync, symlinkSync } from "node:fs";
import { join } from "node:path";
import { x as extract } from "tar";
import type { ApiError } from "../api-error";
import type { Cloud } from "../cloud";
import { timestamp } from "../identifiers";
import type { Json } from "../state";
import type { PhaseFaultKind } from "../phase-faults";
import { buildLog } from "./build-log";
import { runStep, stopStep } from "./build-step";
import { fail } from "./fail-build";
import { injectedFailure } from "./injected-failure";
import { closeDocker, type DockerSession, openDocker } from "./docker-step";
import { pushImage } from "./push-image";

/** Ends a build, as `builds.cancel` does. */
export async function cancelBuild(build: Json): Promise<void> {
  Object.assign(build, { status: "CANCELLED", finishTime: timestamp() });
  await stopStep(build["id"]);
}

/** Carries a build out: source, steps, push. */
export async function runBuild(
  cloud: Cloud,
  build: Json,
  fault?: PhaseFaultKind,
): Promise<void> {
  const { id } = build;
  const account = build["serviceAccount"].split("/").at(-1);
  const folder = join(cloud.settings.folder, "builds", id);
  const session = openDocker(id, account);
  const say = buildLog(cloud, build, account);
  build["status"] = "WORKING";
  build["startTime"] = timestamp();
  if (fault === "endless") return closeDocker(id);
  const limit = Number.parseFloat(build["timeout"] ?? "3600s") * 1000;
  const timer = setTimeout(() => {
    Object.assign(build, {
      status: "TIMEOUT",
      statusDetail: "build timed out",
    });
    void stopStep(id);
  }, limit);
  try {
    if (fault !== undefined) fail(build, ...injectedFailure(build, fault));
    await fetchSource(cloud, build, folder);
    for (const [index, step] of build["steps"].entries()) {
      await runStep(cloud, build, step, index, folder, say);
    }
    push(cloud, build, session, account, say);
    if (build["status"] === "WORKING") build["status"] = "SUCCESS";
  } catch (error) {
    say(`ERROR: ${(error as Error).message}`);
    if (build["status"] === "WORKING") build["status"] = "FAILURE";
  } finally {
    clearTimeout(timer);
    closeDocker(id);
    build["finishTime"] = timestamp();
    rmSync(folder, { recursive: true, force: true });
  }
}

async function fetchSource(
  cloud: Cloud,
  build: Json,
  folder: string,
): Promise<void> {
  const { bucket, object, generation } = build["source"].storageSource;
  mkdirSync(join(folder, "workspace"), { recursive: true });
  mkdirSync(join(folder, "bin"));
  mkdirSync(join(folder, "tmp"));
  symlinkSync(join(__dirname, "docker.mjs"), join(folder, "bin", "docker"));
  const stored = cloud.objects.find(bucket, object, generation);
  if (stored === undefined) {
    return fail(
      build,
      "FETCH_SOURCE_FAILED",
      `error fetching storage source: gs://${bucket}/${object} is gone`,
    );
  }
  const archive = join(folder, "source.tgz");
  copyFileSync(cloud.objects.file(stored), archive);
  await extract({ file: archive, cwd: join(folder, "workspace") });
}

function push(
  cloud: Cloud,
  build: Json,
  session: DockerSession,
  account: string,
  say: (line: string) => void,
): void {
  const images: Json[] = [];
  for (const name of build["images"] ?? []) {
    const image = session.images.get(name);
    say(`Pushing ${name}`);
    if (image === undefined) {
      fail(
        build,
        "PUSH_IMAGE_NOT_FOUND",
        `An image does not exist locally with the tag: ${name}`,
      );
    }
    try {
      pushImage(cloud, account, name, image);
    } catch (error) {
      const denied = (error as ApiError).code === 403;
      fail(
        build,
        denied ? "PUSH_NOT_AUTHORIZED" : "PUSH_FAILED",
        (error as Error).message,
      );
    }
    images.push({ name, digest: image.digest });
  }
  build["results"] = { images };
}
