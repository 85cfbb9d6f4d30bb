import { delimiter, dirname, join } from "node:path";
import { LocalProcess } from "../../local-process";
import type { Cloud } from "../cloud";
import { LogTail } from "../containers/log-tail";
import { timestamp } from "../identifiers";
import type { Json } from "../state";
import { fail } from "./fail-build";

/** Steps that are under way, by the build's id. */
const running = new Map<string, LocalProcess>();

/** Ends the step that a build is at, if it is at one. */
export async function stopStep(build: string): Promise<void> {
  await running.get(build)?.stop();
}

/** The steps whose image is Docker's builder run here, with a `docker` of this cloud. */
export async function runStep(
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
