import { join } from "node:path";
import { applyState } from "./apply-state";
import { applyGantt, clocked } from "./gantt/apply-gantt";
import { readableLog } from "./gantt/apply-steps";
import { lineOf } from "./log-line";
import { finish, say } from "./progress";
import type { TerraformFolder } from "./terraform-folder";
import type { Workspace } from "./workspace";

export interface ApplyProps {
  readonly terraform: TerraformFolder;
  readonly workspace: Workspace;

  /** Up to 24 characters. */
  readonly title: string;

  /** Of the files that it leaves, such as the chart. */
  readonly name: string;

  /** The file of a saved plan. @default a plan of its own */
  readonly plan?: string | undefined;
}

/** Applies, and shows where the time went: in the terminal, and as NAME.png in the workspace. */
export async function applyWithChart(props: ApplyProps): Promise<void> {
  const { terraform, workspace, title, name, plan } = props;
  const clocks = join(workspace.folder, `${name}.clocks`);
  const work = terraform.start(
    ["apply", "-json", "-input=false", plan ?? "-auto-approve"],
    clocked(clocks),
  );
  await finish(title, work, applyState);
  say(lineOf(readableLog(work.output), /^Apply complete!.*/m));
  const { output: graph } = await terraform.run("graph");
  const chart = applyGantt({
    title,
    log: work.output,
    graph,
    clocks,
    png: join(workspace.folder, `${name}.png`),
    columns: process.stderr.columns,
  });
  console.error(`\n${chart}\n`);
}
