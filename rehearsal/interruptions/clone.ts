import { spawn } from "node:child_process";
import {
  closeSync,
  cpSync,
  mkdirSync,
  openSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { dirname, join, resolve } from "node:path";
import { killAll, processTree } from "./process-tree";

const ROOT = resolve(__dirname, "../..");
const LEFT_OUT =
  /\/(node_modules|cdktf\.out|__pycache__|\.git|\.rehearsal|\.\w+_cache)(\/|$)/;

/** The environment's name in every clone. */
export const ENVIRONMENT = "dev";

const OVERRIDE = "clone_override.tf.json";

/** Part of a cdktf.json. */
export type Settings = Record<string, unknown>;

/** A command of a clone that was started. */
export interface CloneCommand {
  readonly pid: number;
  readonly ended: Promise<number>;

  /** What it has printed so far. */
  readonly output: () => string;
}

/**
 * A copy of this project with settings of its own. It shares the packages, so nothing in it may install
 * any: its commands are run without npm, whose scripts begin with that.
 */
export class Clone {
  /** Its local state. */
  readonly stateFile: string;
  private runs = 0;

  /**
   * @param folder - one that does not exist
   * @param stateBucket - where the state lies. @default beside the project
   */
  constructor(
    readonly folder: string,
    private readonly stateBucket?: string,
  ) {
    mkdirSync(dirname(folder), { recursive: true });
    cpSync(ROOT, folder, {
      recursive: true,
      filter: (source) => !LEFT_OUT.test(source.slice(ROOT.length)),
    });
    rmSync(join(folder, "package-lock.json"));
    symlinkSync(join(ROOT, "node_modules"), join(folder, "node_modules"));
    this.configure();
    this.stateFile = join(folder, `terraform.${ENVIRONMENT}.tfstate`);
  }

  /** Terraform's folder. */
  get stack(): string {
    return join(this.folder, "cdktf.out/stacks", ENVIRONMENT);
  }

  /** @param cloud - the environment that leads to a local cloud */
  start(
    command: readonly string[],
    cloud: Readonly<Record<string, string>>,
  ): CloneCommand {
    const [program = "", ...args] = command;
    const log = join(this.folder, `../run-${++this.runs}.log`);
    const file = openSync(log, "w");
    const child = spawn(program, args, {
      cwd: this.folder,
      // As from a shell without a terminal, whose whole group a Ctrl-C reaches.
      detached: true,
      stdio: ["ignore", file, file],
      env: {
        ...process.env,
        ...cloud,
        CHECKPOINT_DISABLE: "1",
        // Provisioners look as often; a user's look every 5 seconds.
        POLL_SECONDS: "0.3",
        HF_TOKEN: "hf_interruptions",
      },
    });
    closeSync(file);
    // Terraform is in a group of its own, and would go on against a cloud that is gone.
    const end = () => killAll(processTree(child.pid!));
    process.once("exit", end);
    child.once("exit", () => process.off("exit", end));
    return {
      pid: child.pid!,
      ended: new Promise((done, reject) => {
        child.once("error", reject);
        child.once("exit", (code) => done(code ?? -1));
      }),
      output: () => readFileSync(log, "utf8"),
    };
  }

  /**
   * Writes its settings.
   *
   * @param model - what they say of the model, @param environment - and beside it; as committed but for that
   */
  configure(model: Settings = {}, environment: Settings = {}): void {
    const file = "cdktf.json";
    const settings = JSON.parse(readFileSync(join(ROOT, file), "utf8"));
    const written = settings.context.environments[ENVIRONMENT];
    const [only] = Object.values<Settings>(written.models);
    Object.assign(only!, model);
    Object.assign(written, environment, {
      // Grants have their effect at once here.
      grantsSeconds: 0,
      ...(this.stateBucket ? { state: { bucket: this.stateBucket } } : {}),
    });
    writeFileSync(join(this.folder, file), JSON.stringify(settings, null, 2));
  }

  /**
   * Puts a file beside the synthesized stack that Terraform merges into it.
   *
   * @see https://developer.hashicorp.com/terraform/language/files/override
   */
  override(content: Settings): void {
    mkdirSync(this.stack, { recursive: true });
    writeFileSync(join(this.stack, OVERRIDE), JSON.stringify(content));
  }

  /** Forgets what was deployed, and changed in its settings. */
  forget(): void {
    this.configure();
    for (const suffix of ["", ".backup"]) {
      rmSync(this.stateFile + suffix, { force: true });
    }
    rmSync(join(this.folder, `.terraform.${ENVIRONMENT}.tfstate.lock.info`), {
      force: true,
    });
    // The last one: which backend Terraform was initialized with.
    for (const name of [
      "imports.tf.json",
      "errored.tfstate",
      OVERRIDE,
      ".terraform/terraform.tfstate",
    ]) {
      rmSync(join(this.stack, name), { force: true });
    }
  }
}
