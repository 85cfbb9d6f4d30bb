import { mkdirSync, symlinkSync } from "node:fs";
import { join, resolve } from "node:path";
import { cacheFolder } from "../commands/python-environment";
import { withoutTokens } from "../commands/terraform";
import { LocalProcess } from "./local-process";
import type { Workspace } from "./workspace";

const ROOT = resolve(__dirname, "..");

/** What provisioners find three folders above a synthesized stack, which is where they start. */
const NEEDED = [
  "provision",
  "constructs",
  "commands",
  "trainer",
  "vllm",
  "node_modules",
  "swc-register.cjs",
];

/** How a run of Terraform ended. */
export interface TerraformRun {
  readonly code: number;
  readonly output: string;
}

/** A synthesized stack in a rehearsal's workspace, with a state of its own. */
export class TerraformFolder {
  private readonly environment: Record<string, string>;
  private runs = 0;

  /**
   * @param stack - the stack's name
   * @param cloud - the environment that sends Terraform to a local cloud, and variables
   */
  public constructor(
    private readonly workspace: Workspace,
    private readonly stack: string,
    cloud: Readonly<Record<string, string>>,
  ) {
    for (const name of NEEDED) {
      symlinkSync(join(ROOT, name), join(workspace.folder, name));
    }
    const plugins = join(cacheFolder(), "terraform-plugins");
    mkdirSync(plugins, { recursive: true });
    this.environment = {
      ...own(),
      ...cloud,
      CHECKPOINT_DISABLE: "1",
      TF_IN_AUTOMATION: "1",
      // The folder is new each time: without a cache, init would fetch the provider again.
      TF_PLUGIN_CACHE_DIR: plugins,
      TF_PLUGIN_CACHE_MAY_BREAK_DEPENDENCY_LOCK_FILE: "1",
    };
  }

  /** Starts Terraform; `terraform-N-COMMAND.log` in the workspace has what it says. */
  public start(
    args: readonly string[],
    more: Readonly<Record<string, string>> = {},
  ): LocalProcess {
    return new LocalProcess({
      name: `terraform ${args[0]}`,
      command: [
        "terraform",
        ...args,
        ...(args[0] === "graph" ? [] : ["-no-color"]),
      ],
      folder: join(this.workspace.folder, "cdktf.out/stacks", this.stack),
      log: this.workspace.log(`terraform-${++this.runs}-${args[0]}`),
      environment: { ...this.environment, ...more },
    });
  }

  public async run(...args: string[]): Promise<TerraformRun> {
    const work = this.start(args);
    const code = await work.ended;
    return { code, output: work.output };
  }
}

/** Of the user's environment, what finds Terraform and its providers; no token, no endpoint. */
function own(): Record<string, string> {
  const kept = Object.entries(withoutTokens(process.env)).filter(
    ([name, value]) =>
      value !== undefined &&
      /^(PATH|HOME|TF_CLI_CONFIG_FILE|TUNESERVE_CACHE|XDG_CACHE_HOME|https?_proxy|no_proxy)$/i.test(
        name,
      ),
  );
  return Object.fromEntries(kept) as Record<string, string>;
}
