import { readFileSync } from "node:fs";
import { join, resolve } from "node:path";
import { LocalProcess } from "./local-process";
import { expected, finish } from "./progress";
import type { Workspace } from "./workspace";

/** The part of a synthesized stack that a rehearsal reads: resources by type and logical id. */
export interface SynthesizedStack {
  readonly resource: Record<string, Record<string, Record<string, unknown>>>;
}

/**
 * Synthesizes the real stack, as `npm run synth` does with a user's settings; a user's own
 * cdktf.out stays as it is.
 *
 * @param context - the `context` of a cdktf.json with one environment
 */
export async function synthesize(
  context: { readonly environments: Record<string, unknown> },
  workspace: Workspace,
): Promise<SynthesizedStack> {
  const folder = join(workspace.folder, "cdktf.out");
  const work = new LocalProcess({
    name: "synthesis",
    command: [process.execPath, "-r", "./swc-register.cjs", "main.ts"],
    folder: resolve(__dirname, ".."),
    log: workspace.log("synthesis"),
    // Nothing of the user's environment: PROJECT_ID and the like would override the settings.
    environment: {
      PATH: process.env.PATH ?? "",
      HOME: workspace.home,
      CDKTF_CONTEXT_JSON: JSON.stringify(context),
      CDKTF_OUTDIR: folder,
    },
  });
  await finish("Synthesizing the stack", work, (_, seconds) =>
    expected(4)(seconds),
  );
  const stack = Object.keys(context.environments)[0]!;
  return JSON.parse(
    readFileSync(join(folder, "stacks", stack, "cdk.tf.json"), "utf8"),
  );
}
