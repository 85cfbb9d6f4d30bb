import path from "node:path";
import { applySummary } from "../gates/apply-summary/apply-summary";
import type { Training } from "../gates/apply-summary/trainings";
import { readPlan } from "../gates/read-plan";
import { type GoogleClient, googleClient } from "../provision/google-client";
import {
  type Command,
  CommandError,
  readCommandLine,
  runAsProcess,
} from "./command-line";
import { readJson } from "./gate/json-file";
import type { Surroundings } from "./surroundings";

const COMMAND: Command<Record<never, never>> = {
  name: "last-metrics",
  summary:
    "Prints metrics.json of the run before, for each model that a plan trains again: npm run gate -- plan.json --metrics FILE\n" +
    "estimates what the training costs from it. What cannot be read is left out, and said.",
  options: {},
  positionals: "plan.json",
};

/** `npm run last-metrics`: 0 also where nothing could be read. */
export async function lastMetricsOf(
  argv: readonly string[],
  {
    env = process.env,
    root = process.cwd(),
    google = googleClient(env),
  }: Partial<Surroundings> = {},
): Promise<number> {
  const line = readCommandLine(argv, COMMAND);
  if (line === null) return 0;
  const [file, another] = line.positionals;
  if (file === undefined || another !== undefined) {
    throw new CommandError(
      "Give one plan: npm run last-metrics -- plan.json",
      2,
    );
  }
  const plan = readPlan(readJson(path.resolve(root, file)));
  const found: Record<string, unknown> = {};
  for (const training of applySummary(plan).trainings) {
    const place = metricsOfTheRunBefore(training);
    if (place === undefined) continue;
    try {
      found[training.model] = await read(google, place);
    } catch (error) {
      // An estimate is no reason to stop a plan.
      console.error(
        `No metrics of ${training.model}'s run before (${place.object}): ${(error as Error).message}`,
      );
    }
  }
  console.log(JSON.stringify(found));
  return 0;
}

interface Place {
  readonly bucket: string;
  readonly object: string;
}

/** Beside the version that the training makes: `gs://BUCKET/MODEL/RUN_ID`. */
function metricsOfTheRunBefore({
  uri,
  runIdBefore,
}: Training): Place | undefined {
  const [, bucket, folder] =
    /^gs:\/\/([^/]+)\/(.+)\/[^/]+$/.exec(uri ?? "") ?? [];
  return bucket === undefined || folder === undefined || !runIdBefore
    ? undefined
    : { bucket, object: `${folder}/${runIdBefore}/metrics.json` };
}

async function read(google: GoogleClient, place: Place): Promise<unknown> {
  return google.request<unknown>({
    service: "storage",
    path: `b/${place.bucket}/o/${encodeURIComponent(place.object)}`,
    query: { alt: "media" },
    timeoutSeconds: 20,
  });
}

if (require.main === module) {
  void runAsProcess(lastMetricsOf);
}
