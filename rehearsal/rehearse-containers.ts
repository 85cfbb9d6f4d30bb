import { join } from "node:path";
import { jobContainer, localized, serviceContainer } from "./container";
import { judgeServer } from "./judge-server";
import { checkParity } from "./parity";
import { type Preparation, untrainedAnswers } from "./preparation";
import { finish, withProgress } from "./progress";
import { readQuestions } from "./questions";
import { freePort, rehearsalSettings } from "./rehearsal-settings";
import { healthy, runContainer, trainingState } from "./run-container";
import { synthesize } from "./synthesized-stack";

/**
 * Trains, serves and asks with the containers of the synthesized stack as local processes, a folder
 * in place of the bucket.
 *
 * @param keep - leave the server up, until Ctrl-C
 */
export async function rehearseContainers(
  preparation: Preparation,
  keep: boolean,
): Promise<void> {
  const { seed, python, workspace, base, data } = preparation;
  workspace.addToBucket("base/smollm2-135m-instruct", base);
  workspace.addToBucket(
    `data/seed-${seed}/train.jsonl`,
    join(data, "train.jsonl"),
  );
  const port = await freePort();
  const stack = await synthesize(rehearsalSettings(seed, port), workspace);
  const job = jobContainer(stack);
  const before = await untrainedAnswers(
    preparation,
    job.environment.PROMPT_TEMPLATE!,
  );
  await finish(
    "Training (the job)",
    runContainer("trainer", job, python, workspace),
    trainingState,
  );
  const service = serviceContainer(stack);
  const server = runContainer("vllm", service, python, workspace);
  const url = `http://127.0.0.1:${port}`;
  await healthy(server, `${url}/health`, 60, 600);
  const version = localized(job, workspace.bucket).environment.OUTPUT_URI!;
  const parity = await withProgress(
    "Checking its answers",
    (seconds) => ({ share: Math.min(seconds / 10, 0.95), text: "" }),
    checkParity(url, version),
  );
  await judgeServer(preparation, before, { url, token: null });
  console.log(parity);
  console.log(
    `The trainer's own report, with its curves: ${join(version, "report.html")}`,
  );
  if (keep) {
    const { question, context } = readQuestions(data)[0]!;
    console.log(
      `\nThe server stays up until Ctrl-C. In another terminal:\n` +
        `  npm run ask -- "${question}" --context "${context}" --url ${url}`,
    );
    throw server.failure(await server.ended);
  }
  await server.stop();
}
