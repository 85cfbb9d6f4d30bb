import type { Secrets } from "../run/secrets";
import type { LogSource } from "../logs";
import type { Image, Json } from "../state";

/** What is to run. */
export interface WorkloadProps {
  /** Full name of the execution or revision it belongs to. */
  readonly name: string;
  readonly image: Image;

  /** The innermost template: containers, volumes, account. */
  readonly template: Json;

  readonly secrets: Secrets;

  /** What Cloud Run itself puts into the environment. */
  readonly environment: Readonly<Record<string, string>>;
  readonly log: LogSource;

  /** Of a job's attempt. @default none */
  readonly timeoutSeconds?: number;

  /** Where it listens in place of its container port, for a service. */
  readonly port?: number;
}

/** How a container ended. */
export interface Ending {
  readonly exitCode: number;

  /** Number of the signal that ended it. */
  readonly signal?: number;

  /** A limit that it was ended for. */
  readonly cause?: "timeout" | "memory";
}

/** A container that was started. */
export interface Workload {
  readonly ended: Promise<Ending>;

  /** Asks it to end, and makes it after some seconds. */
  stop(): Promise<void>;
}
