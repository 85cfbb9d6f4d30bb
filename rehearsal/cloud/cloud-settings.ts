import type { Fault } from "./faults";
import type { PhaseFault } from "./phase-faults";

/** How a local cloud behaves. */
export interface CloudSettings {
  /** Id of the one project. */
  readonly project: string;

  /** Its number. */
  readonly projectNumber: string;

  /** The region of everything that has one. */
  readonly region: string;

  /** Who the printed access token stands for; owner of the project. */
  readonly user: string;

  /** Id of the billing account that pays for it; the user administers it. */
  readonly billingAccount: string;

  /** Its currency. */
  readonly billingCurrency: string;

  /**
   * GPUs of each kind that the project may have at once in the region, without zonal redundancy. With
   * it: none, as in a project that asked for nothing.
   */
  readonly gpuQuota: number;

  /** Seconds until a change of an IAM policy has its effect. Google: typically 120. */
  readonly iamDelay: number;

  /** Seconds until an API that was enabled answers. */
  readonly enableDelay: number;

  /** Seconds that an operation takes beyond its own work. */
  readonly operationDelay: number;

  /** Seconds without a request after which a service's instance ends. Google: about 900. */
  readonly idle: number;

  /**
   * Whether jobs and services start their containers. `stub` starts none: an execution of a stub
   * succeeds at once without doing anything, and a service never answers. It says so in its log.
   */
  readonly containers: "processes" | "stub";

  /** Seconds that a job's stub takes. */
  readonly stubSeconds: number;

  /** What is to go wrong. */
  readonly faults: readonly (Fault | PhaseFault)[];

  /** Folder of objects, images and logs. */
  readonly folder: string;
}

export const DEFAULTS = {
  project: "local-project",
  projectNumber: "123456789012",
  region: "us-central1",
  user: "developer@example.com",
  billingAccount: "01AB23-4C5D6E-F78901",
  billingCurrency: "USD",
  gpuQuota: 3,
  iamDelay: 0,
  enableDelay: 0,
  operationDelay: 0.2,
  idle: 900,
  containers: "processes",
  stubSeconds: 0,
  faults: [],
} as const satisfies Omit<CloudSettings, "folder">;
