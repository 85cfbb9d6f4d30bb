import { readFileSync } from "node:fs";
import { join } from "node:path";
import { runAsProcess } from "../commands/command-line";
import { pythonEnvironment } from "../commands/python-environment";
import { jobContainer, localized, serviceContainer } from "./container";
import {
  datasetMarker,
  markRows,
  tokenMarker,
} from "./canary/rehearsal-markers";
import { endProcessesWithThisOne } from "./local-process";
import { checkParity } from "./parity";
import { interruptions } from "./interruptions/interruptions";
import { finish, withProgress } from "./progress";
import { type Answers, askAll, readQuestions, score } from "./questions";
import { EXAMPLES, report, TUNED, UNTRAINED } from "./report";
import { healthy, runContainer, trainingState } from "./run-container";
import { filesBelow } from "./rehearsal-inputs";
import { readOptions } from "./rehearse-options";
import { TerraformRehearsal } from "./rehearse-terraform";
import { cached, runScript } from "./run-script";
import { freePort, rehearsalSettings } from "./rehearsal-settings";
import { synthesize } from "./synthesized-stack";
import { terraformSettings } from "./terraform-settings";
import { Workspace } from "./workspace";

const INTRODUCTION = `\
Rehearsal: the real stack is synthesized, and the containers of its job and its
service run here as local processes, a folder in place of the bucket. A small
model learns to write SQL, vLLM serves it, and it is asked. No account, no Docker.
About 5 minutes on two cores; the first time 3 more, and a download of 3.2 GB.
Ctrl-C stops all of it.
`;

/** `npm run rehearse`: 0 once the fine-tuned model has answered, 1 when something failed. */
async function rehearse(argv: readonly string[]): Promise<number> {
  const options = readOptions(argv);
  if (options === null) {
    return 0;
  }
  const { seed, keep, terraform, interruptions: points, series } = options;
  if (points !== undefined) {
    return interruptions(points, Number(seed), series);
  }
  const began = Date.now();
  console.error(INTRODUCTION);
  const python = pythonEnvironment();
  const workspace = new Workspace();
  endProcessesWithThisOne();

  const base = await cached(
    {
      title: "Preparing the base model",
      name: "base_model",
      python,
      workspace,
      seconds: 36,
    },
    "",
    [],
    (path) => [path],
  );
  const data = join(workspace.folder, "data");
  await runScript({
    title: "Making sample data",
    name: "sample_data",
    args: [data, "--seed", seed],
    python,
    workspace,
    seconds: 1,
  });
  if (terraform !== undefined) {
    const token = tokenMarker();
    const dataset = datasetMarker();
    markRows(join(data, "train.jsonl"), dataset);
    const rehearsal = await TerraformRehearsal.prepare({
      workspace,
      ...terraformSettings(seed),
      inputs: {
        ...filesBelow("base/smollm2-135m-instruct", base),
        [`data/seed-${seed}/train.jsonl`]: join(data, "train.jsonl"),
      },
      containers: terraform === "stub" ? "stub" : "processes",
      ...{ token, dataset },
    });
    if (rehearsal !== undefined) {
      await rehearsal.wholeLife();
      console.log(
        `Took ${((Date.now() - began) / 60_000).toFixed(1)} minutes.`,
      );
      return 0;
    }
  }
  workspace.addToBucket("base/smollm2-135m-instruct", base);
  workspace.addToBucket(
    `data/seed-${seed}/train.jsonl`,
    join(data, "train.jsonl"),
  );

  const port = await freePort();
  const stack = await synthesize(rehearsalSettings(seed, port), workspace);
  const job = jobContainer(stack);
  const untrained = await cached(
    {
      title: "Asking it untrained",
      name: "untrained_answers",
      python,
      workspace,
      seconds: 60,
    },
    ".json",
    [join(data, "train.jsonl"), join(data, "held-out.jsonl")],
    (path) => [base, data, path, "--prompt", job.environment.PROMPT_TEMPLATE!],
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
  const questions = readQuestions(data);
  let count = 0;
  const tuned = await withProgress(
    "Asking it fine-tuned",
    () => ({
      share: count / questions.length,
      text: `${count} of ${questions.length} questions`,
    }),
    askAll(url, questions, (answered) => {
      count = answered;
    }),
  );

  const before = JSON.parse(readFileSync(untrained, "utf8"));
  const answers: Answers = {
    [UNTRAINED]: before["same prompt"],
    [EXAMPLES]: before["three examples"],
    [TUNED]: tuned,
  };
  const rights = score(python, questions, answers);
  console.log(
    report(questions, answers, rights, join(workspace.folder, "answers.txt")),
  );
  console.log(parity);
  console.log(
    `The trainer's own report, with its curves: ${join(version, "report.html")}`,
  );
  console.log(`Took ${((Date.now() - began) / 60_000).toFixed(1)} minutes.`);
  if (keep) {
    const { question, context } = questions[0]!;
    console.log(
      `\nThe server stays up until Ctrl-C. In another terminal:\n` +
        `  npm run ask -- "${question}" --context "${context}" --url ${url}`,
    );
    throw server.failure(await server.ended);
  }
  await server.stop();
  return 0;
}

void runAsProcess(rehearse);
