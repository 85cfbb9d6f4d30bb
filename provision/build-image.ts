import { setTimeout as sleep } from "node:timers/promises";
import { imageTag } from "../constructs/image-tag";
import { sourceFiles, sourceHash } from "../constructs/source-hash";
import { buildFailure } from "./build-failure";
import { uploadSource } from "./build-source";
import { type Build, CloudBuild, regionRefuses } from "./cloud-build";
import { CloudLogs } from "./cloud-logs";
import { imageBuild } from "./image-build";
import { type ImageName, imageName, tagExists } from "./image-registry";
import {
  pollSeconds,
  readInputs,
  text,
  textsByName,
  wholeNumber,
} from "./inputs";
import { duration } from "./progress";
import { runProvisioner, type Session } from "./provisioner";

const INPUTS = {
  PROJECT_ID: text,
  CONTEXT: text,
  IMAGE: text,
  TAG: text,
  BUILD_ARGUMENTS: textsByName,
  SERVICE_ACCOUNT: text,
  SOURCE_BUCKET: text,
  LOCATION: text,
  MACHINE_TYPE: text,
  DISK_SIZE_GB: wholeNumber,
  TIMEOUT_SECONDS: wholeNumber,
  POLL_SECONDS: pollSeconds,
};
type Inputs = ReturnType<typeof readInputs<typeof INPUTS>>;

const FINISHED = [
  "SUCCESS",
  "FAILURE",
  "INTERNAL_ERROR",
  "TIMEOUT",
  "CANCELLED",
  "EXPIRED",
];

/**
 * Makes sure that the registry has IMAGE:TAG: finds it there, attaches to the
 * build that is making it, or builds it with Cloud Build.
 *
 * @throws one line that says what failed and what to do.
 */
export async function buildImage(session: Session): Promise<void> {
  const inputs = readInputs(session.env, INPUTS);
  const { IMAGE, TAG } = inputs;
  const image = imageName(IMAGE);
  if (await tagExists(session, image, TAG)) {
    return session.progress.line(`${IMAGE}:${TAG} exists: nothing to build`);
  }
  const key = `${image.name.replaceAll("/", "-")}-${TAG}`;
  const { build, builds } =
    (await running(session, inputs, key)) ??
    (await start(session, inputs, key));
  session.progress.line(
    `build ${build.id} in ${builds.location}, log: ${build.logUrl}`,
  );
  session.progress.line(
    "this may be interrupted: the build goes on in the cloud, and the next deploy attaches to it",
  );
  await follow(session, inputs, image, builds, build);
}

interface Started {
  readonly build: Build;
  readonly builds: CloudBuild;
}

async function running(
  session: Session,
  inputs: Inputs,
  key: string,
): Promise<Started | undefined> {
  for (const location of new Set([inputs.LOCATION, "global"])) {
    const builds = buildsIn(session, inputs, location);
    const build = await builds.unfinished(key);
    if (build) {
      session.progress.line(`attaching to a build of ${key}: ${build.status}`);
      return { build, builds };
    }
  }
  return undefined;
}

async function start(
  session: Session,
  inputs: Inputs,
  key: string,
): Promise<Started> {
  const hash = imageTag(sourceHash(inputs.CONTEXT), inputs.BUILD_ARGUMENTS);
  if (hash !== inputs.TAG) {
    throw new Error(
      `${inputs.CONTEXT}/ has changed since the plan (it is ${hash} now, planned was ${inputs.TAG}): run the deploy again`,
    );
  }
  const files = sourceFiles(inputs.CONTEXT);
  const dockerfile = files.find(({ name }) => name === "Dockerfile");
  if (!dockerfile?.bytes.includes("@sha256:")) {
    session.progress.line(
      "warning: the base image stands at a tag, which can change under the same image tag: npm run pin writes its digest",
    );
  }
  const source = await uploadSource(session, inputs.SOURCE_BUCKET, key, files);
  const body = imageBuild({
    projectId: inputs.PROJECT_ID,
    serviceAccount: inputs.SERVICE_ACCOUNT,
    image: `${inputs.IMAGE}:${inputs.TAG}`,
    buildArguments: inputs.BUILD_ARGUMENTS,
    source,
    machineType: inputs.MACHINE_TYPE,
    diskSizeGb: inputs.DISK_SIZE_GB,
    timeoutSeconds: inputs.TIMEOUT_SECONDS,
    tags: ["tuneserve", key],
  });
  const create = async (location: string): Promise<Started> => {
    const builds = buildsIn(session, inputs, location);
    return { build: await builds.create(body), builds };
  };
  try {
    return await create(inputs.LOCATION).catch((error: unknown) => {
      if (inputs.LOCATION === "global" || !regionRefuses(error)) throw error;
      session.progress.line(
        `${inputs.LOCATION} refuses the build (${(error as Error).message}): building in global`,
      );
      return create("global");
    });
  } catch (error) {
    const { message } = error as Error;
    const { remedy } = buildFailure({ detail: message, log: [] });
    throw new Error(`the build could not be started (${message}): ${remedy}`);
  }
}

async function follow(
  session: Session,
  { PROJECT_ID, IMAGE, TAG, POLL_SECONDS }: Inputs,
  image: ImageName,
  builds: CloudBuild,
  first: Build,
): Promise<void> {
  const { progress } = session;
  const logs = new CloudLogs(
    session,
    PROJECT_ID,
    `resource.type="build" AND resource.labels.build_id="${first.id}"`,
    new Date(first.createTime ?? Date.now()),
  );
  const began = Date.now();
  let build = first;
  while (!FINISHED.includes(build.status ?? "")) {
    await sleep(POLL_SECONDS * 1000);
    build = await builds.get(first.id);
    await logs.poll();
    progress.state(
      `${image.name}: ${build.status?.toLowerCase()} for ${duration((Date.now() - began) / 1000)}`,
    );
  }
  // Also after a failure: a push is refused when the tag is there already.
  if (await tagExists(session, image, TAG)) {
    return progress.line(`${IMAGE}:${TAG} is built`);
  }
  await logs.drain(POLL_SECONDS);
  const { what, remedy } = buildFailure({
    status: build.status ?? undefined,
    detail: build.failureInfo?.detail ?? build.statusDetail ?? undefined,
    failureType: build.failureInfo?.type ?? undefined,
    failedStep:
      build.steps?.find(({ status }) => status === "FAILURE")?.id ?? undefined,
    log: logs.lines,
  });
  progress.line(`last lines of the log:\n${logs.lines.slice(-15).join("\n")}`);
  throw new Error(
    `${IMAGE}:${TAG} was not built: ${what}. What to do: ${remedy}. Log: ${build.logUrl}`,
  );
}

function buildsIn(
  session: Session,
  { PROJECT_ID, POLL_SECONDS }: Inputs,
  location: string,
): CloudBuild {
  return new CloudBuild(session, PROJECT_ID, location, POLL_SECONDS);
}

if (require.main === module) runProvisioner(buildImage);
