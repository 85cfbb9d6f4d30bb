import { runAsProcess } from "../commands/command-line";
import { endProcessesWithThisOne } from "./local-process";
import { faults } from "./faults/faults";
import { interruptions } from "./interruptions/interruptions";
import { prepare } from "./preparation";
import { rehearseContainers } from "./rehearse-containers";
import { readOptions } from "./rehearse-options";
import { rehearseTerraform } from "./rehearse-terraform";

const INTRODUCTION = `\
Rehearsal: the real stack is synthesized, and the containers of its job and its
service run here as local processes. A small model learns to write SQL, vLLM serves
it, and it is asked. Where Terraform is found, it applies the stack to a local Google
Cloud: plan, gate, apply, a training again, a rollback, destroy. No account, no Docker.
On two cores about 5 minutes, 7 to 12 with Terraform; the first time 3 more, and a
download of 3.2 GB. Ctrl-C stops all of it.
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
  if (options.faults) {
    return faults(series);
  }
  const began = Date.now();
  console.error(INTRODUCTION);
  endProcessesWithThisOne();
  const preparation = await prepare(seed);
  const done =
    terraform !== "off" &&
    (await rehearseTerraform(
      preparation,
      terraform === "stub" ? "stub" : "processes",
    ));
  if (!done) {
    await rehearseContainers(preparation, keep);
  }
  console.log(`Took ${((Date.now() - began) / 60_000).toFixed(1)} minutes.`);
  return 0;
}

void runAsProcess(rehearse);
