import type { CloneCloud } from "../interruptions/clone-cloud";
import type { Clone, CloneCommand, Settings } from "../interruptions/clone";

/** A deploy that something goes wrong with. */
export interface FaultCase {
  readonly name: string;

  /** As `--fault` takes them. */
  readonly faults: readonly string[];

  /** What the settings say of the model. @default as committed */
  readonly model?: Settings;

  /** And beside the model. @default as committed */
  readonly environment?: Settings;

  /** Bucket that Terraform's state lies in. @default beside the project */
  readonly stateBucket?: string;

  /** Terraform's file of overrides beside the synthesized stack. @default none */
  readonly override?: Settings;

  /** What was there before. */
  readonly prepare?: (cloud: CloneCloud) => void;

  /** Whether they meet an update of job and service, not the first deploy. */
  readonly update?: boolean;

  /** What the deploy prints about it. @default nothing */
  readonly prints?: readonly RegExp[];

  /**
   * How the deploy ends: well; with a failure, after which the same command finishes; with one that
   * `npm run recover` is for.
   */
  readonly ends: "well" | "failed" | "to recover";

  /** Whether the user first deploys again, which `npm run recover` is then named for. */
  readonly impatient?: boolean;

  /** What happens before the user goes on. */
  readonly then?: (clone: Clone) => void;

  /** Executions that do not succeed. @default 0 */
  readonly failedExecutions?: number;

  /** What somebody does during the deploy. */
  readonly once?: Deed;
}

/** What somebody does once a deploy has printed something. */
export interface Deed {
  readonly printed: RegExp;
  readonly act: (cloud: CloneCloud, deploy: CloneCommand) => unknown;
}
