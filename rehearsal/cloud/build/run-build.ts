import { copyFileSync, mkdirSync, rmSync, symlinkSync } from "node:fs";
import { delimiter, dirname, join } from "node:path";
import { x as extract } from "tar";
import { LocalProcess } from "../../local-process";
import type { ApiError } from "../api-error";
import type { Cloud } from "../cloud";
import { LogTail } from "../containers/log-tail";
import { timestamp } from "../identifiers";
import type { Json } from "../state";
import type { PhaseFaultKind } from "../phase-faults";
import { buildLog } from "./build-log";
import { injectedFailure } from "./injected-failure";
import { closeDocker, type DockerSession, openDocker } from "./docker-step";
import { pushImage } from "./push-image";

/** Builds that are under way, by id. */
const running = new Map<string, LocalProcess>();

/** Ends a build, as `builds.cancel` does. */
export async function cancelBuild(build: Json): Promise<void> {
  Object.assign(build, { status: "CANCELLED", finishTime: timestamp() });
  await running.get(build["id"])?.stop();
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
    void running.get(id)?.stop();
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

/** The steps whose image is Docker's builder run here, with a `docker` of this cloud. */
async function runStep(
  cloud: Cloud,
  build: Json,
  step: Json,
  index: number,
  folder: string,
  say: (line: string) => void,
): Promise<void> {
  const mark = `Step #${index}${step["id"] ? ` - "${step["id"]}"` : ""}: `;
  if (!/^gcr\.io\/cloud-builders\/docker(:|@|$)/.test(step["name"])) {
    return fail(
      build,
      "USER_BUILD_STEP",
      `${mark}this local cloud runs gcr.io/cloud-builders/docker only, not ${step["name"]}`,
    );
  }
  const variables: Record<string, string> = {
    BUILD_ID: build["id"],
    PROJECT_ID: cloud.settings.project,
    PROJECT_NUMBER: cloud.settings.projectNumber,
    ...build["substitutions"],
  };
  // `$$` is a dollar. https://cloud.google.com/build/docs/configuring-builds/substitute-variable-values
  const filled = (text: string) =>
    text.replace(/\$\$|\$\{?(\w+)\}?/g, (whole, name?: string) =>
      name === undefined ? "$" : (variables[name] ?? whole),
    );
  const log = join(folder, `step-${index}.log`);
  const work = new LocalProcess({
    name: `build ${build["id"]}`,
    command: [
      step["entrypoint"] ?? "docker",
      ...(step["args"] ?? []).map(filled),
    ],
    folder: join(folder, "workspace", step["dir"] ?? ""),
    log,
    environment: {
      PATH: [
        join(folder, "bin"),
        dirname(process.execPath),
        process.env.PATH,
      ].join(delimiter),
      HOME: folder,
      TMPDIR: join(folder, "tmp"),
      TUNESERVE_DOCKER: `${cloud.origin}/docker`,
      TUNESERVE_BUILD: build["id"],
      ...Object.fromEntries(
        (step["env"] ?? []).map((pair: string) => {
          const at = pair.indexOf("=");
          return [pair.slice(0, at), filled(pair.slice(at + 1))];
        }),
      ),
    },
  });
  running.set(build["id"], work);
  step["status"] = "WORKING";
  step["timing"] = { startTime: timestamp() };
  const tail = new LogTail(log, (line) => say(mark + line));
  const code = await work.ended;
  await tail.end();
  running.delete(build["id"]);
  step["timing"].endTime = timestamp();
  step["status"] = code === 0 ? "SUCCESS" : "FAILURE";
  if (code !== 0) {
    fail(
      build,
      "USER_BUILD_STEP",
      `Build step failure: build step ${index} "${step["name"]}" failed: step exited with non-zero status: ${code}`,
    );
  }
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

function fail(build: Json, type: string, detail: string): never {
  if (build["status"] === "WORKING") {
    Object.assign(build, {
      failureInfo: { type, detail },
      statusDetail: detail,
    });
  }
  throw new Error(detail);
}
