import {
  existsSync,
  mkdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { join, resolve } from "node:path";
import { CommandError } from "../commands/command-line";

/** The folder of a rehearsal: the bucket, the logs and the synthesized stack. Git ignores it. */
export class Workspace {
  public readonly folder = resolve(__dirname, "../.rehearsal");

  /** Stands for the bucket: in place of `gs://BUCKET` and of the volume's mount path. */
  public readonly bucket = join(this.folder, "bucket");

  /** HOME of the containers' processes: what they leave there is not the user's. */
  public readonly home = join(this.folder, "home");

  /**
   * Begins with an empty folder.
   *
   * @throws CommandError while another rehearsal of this clone is running
   */
  public constructor() {
    const lock = join(this.folder, "process");
    const owner = existsSync(lock) ? Number(readFileSync(lock, "utf8")) : 0;
    if (owner > 0 && owner !== process.pid && runs(owner)) {
      throw new CommandError(
        `Another rehearsal of this folder is running (process ${owner}). Wait for its end, or stop it: kill ${owner}`,
      );
    }
    rmSync(this.folder, { recursive: true, force: true });
    for (const folder of [this.folder, this.bucket, this.home]) {
      mkdirSync(folder, { recursive: true });
    }
    writeFileSync(lock, String(process.pid));
  }

  public log(name: string): string {
    return join(this.folder, `${name}.log`);
  }

  /** Puts a file or folder into the bucket, without copying it. */
  public addToBucket(path: string, source: string): void {
    const target = join(this.bucket, path);
    mkdirSync(resolve(target, ".."), { recursive: true });
    symlinkSync(source, target);
  }
}

function runs(pid: number): boolean {
  try {
    process.kill(pid, 0);
    // The system may have given the number to another program since.
    return readFileSync(`/proc/${pid}/cmdline`, "utf8").includes("rehearse.ts");
  } catch {
    return false;
  }
}
