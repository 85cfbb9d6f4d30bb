import { readFileSync } from "node:fs";
import { basename } from "node:path";
import { processIds, processStatus } from "../process-status";
import { forms, type Marker } from "./marker";

/** Provisioners, the shortest-lived that are watched, take several times as long. */
const EVERY_MS = 200;

/**
 * Where markers were in this process and all that it started, directly or not, since the watch began.
 * Not in others: whoever searches a marker by hand has it in the arguments of the search.
 */
export class ProcessWatch {
  /** Marker's name and place. */
  readonly found = new Set<string>();

  /** How many processes were looked at. */
  readonly seen = new Set<number>();

  /** Ids and starts of what belongs to this process: it does even when its parent has ended. */
  private ours = new Map<number, number>();
  private readonly timer: NodeJS.Timeout;
  private readonly markers: { name: string; forms: Buffer[] }[];

  constructor(markers: readonly Marker[]) {
    this.markers = markers.map(({ name, text }) => ({
      name,
      forms: forms(text),
    }));
    this.timer = setInterval(() => this.look(), EVERY_MS).unref();
  }

  /** Looks at every process of ours that this user may look at. Only where there is a /proc. */
  look(): void {
    this.ours = this.belonging();
    for (const pid of this.ours.keys()) {
      const arguments_ = read(pid, "cmdline");
      const environment = read(pid, "environ");
      if (arguments_ === undefined || environment === undefined) continue;
      this.seen.add(pid);
      const who = process_(arguments_, environment);
      this.note(arguments_, `arguments of ${who}`);
      this.note(environment, `environment of ${who}`);
    }
  }

  end(): void {
    clearInterval(this.timer);
  }

  private belonging(): Map<number, number> {
    const all = new Map(
      processIds().flatMap((pid) => {
        const status = processStatus(pid);
        return status === undefined ? [] : [[pid, status] as const];
      }),
    );
    const isOurs = (pid: number): boolean => {
      const status = all.get(pid);
      return (
        status !== undefined &&
        (pid === process.pid ||
          this.ours.get(pid) === status.started ||
          isOurs(status.parent))
      );
    };
    return new Map(
      [...all.keys()].filter(isOurs).map((pid) => [pid, all.get(pid)!.started]),
    );
  }

  private note(bytes: Buffer, place: string): void {
    for (const { name, forms } of this.markers) {
      if (forms.some((form) => bytes.includes(form))) {
        this.found.add(`${name}\t${place}`);
      }
    }
  }
}

/** Who it is: a job's container by its execution, others by their program and what it is given. */
function process_(arguments_: Buffer, environment: Buffer): string {
  const variables = environment.toString().split("\0");
  const execution = variables.find((each) =>
    each.startsWith("CLOUD_RUN_EXECUTION="),
  );
  if (execution !== undefined) {
    return `the container of execution ${execution.split("=")[1]}`;
  }
  const [program = "", ...more] = arguments_.toString().split("\0");
  return [basename(program), ...more.slice(0, 4)].join(" ").trim();
}

function read(pid: number, file: string): Buffer | undefined {
  try {
    return readFileSync(`/proc/${pid}/${file}`);
  } catch {
    // Ended, or somebody else's.
    return undefined;
  }
}
