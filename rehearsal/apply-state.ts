import type { State } from "./progress";

const SERVING = { share: 0.95, text: "starting the server, asking it" };

/** How far an apply is, by what Terraform has printed. */
export function applyState(output: string): State {
  if (/service_[0-9A-F]+: Creating|service_[0-9A-F]+: Modifying/.test(output)) {
    return SERVING;
  }
  const [, step, steps] =
    [...output.matchAll(/\(local-exec\): step (\d+) of (\d+)/g)].at(-1) ?? [];
  if (step !== undefined) {
    const share = 0.1 + (0.8 * Number(step)) / Number(steps);
    return {
      share,
      text:
        step === steps
          ? "scoring, merging, publishing"
          : `training, step ${step} of ${steps}`,
    };
  }
  if (/run_execution_[0-9A-F]+: Creating/.test(output)) {
    return { share: 0.1, text: "starting the training" };
  }
  const made = output.match(/: Creation complete/g)?.length ?? 0;
  return { share: Math.min(0.1, made / 300), text: `${made} resources made` };
}
