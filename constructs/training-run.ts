import type { ITerraformDependable } from "cdktf";
import { Construct } from "constructs";
import type { Accelerator } from "./gpu-shapes";
import { Provisioner } from "./provisioner";

/** Properties for a `TrainingRun`. */
export interface TrainingRunProps {
  readonly projectId: string;
  readonly region: string;
  readonly jobName: string;

  /** Identity of the result: of what is trained, or of the pinned version. */
  readonly runId: string;

  /** Whether an earlier version is served as it is, and nothing is trained. */
  readonly pinned: boolean;

  /** Folder of the model in the bucket. */
  readonly modelName: string;
  readonly bucketName: string;

  /** Hash of the trainer's source: a verdict of other code does not bind. */
  readonly sourceHash: string;

  /** Metric that decides about promotion. */
  readonly metric: string;

  /**
   * Least value of the metric.
   *
   * @default - every trained model is published
   */
  readonly minimum?: number;

  /**
   * What it has to beat: `base`, or the address of a published version.
   *
   * @default - nothing
   */
  readonly mustBeat?: string;
  readonly accelerator: Accelerator;
  readonly timeoutSeconds: number;
  readonly retries: number;

  /** What must exist before it. */
  readonly dependsOn: ITerraformDependable[];
}

/**
 * One execution of the training job per run id, waited for. A run that is
 * published already costs nothing; one that failed is tried again by the next
 * apply.
 */
export class TrainingRun extends Construct {
  /** Exists once the version is published. */
  public readonly published: ITerraformDependable;

  public constructor(scope: Construct, id: string, props: TrainingRunProps) {
    super(scope, id);

    this.published = new Provisioner(this, "execution", {
      script: "provision/run-training.ts",
      triggers: { run_id: props.runId },
      environment: {
        PROJECT_ID: props.projectId,
        REGION: props.region,
        JOB_NAME: props.jobName,
        RUN_ID: props.runId,
        PINNED: props.pinned ? "yes" : "no",
        MODEL: props.modelName,
        BUCKET_NAME: props.bucketName,
        TRAINER: props.sourceHash,
        PROMOTION_METRIC: props.metric,
        PROMOTION_MINIMUM: String(props.minimum ?? ""),
        PROMOTION_MUST_BEAT: props.mustBeat ?? "",
        ACCELERATOR: props.accelerator,
        TASK_TIMEOUT_SECONDS: String(props.timeoutSeconds),
        MAX_RETRIES: String(props.retries),
      },
      dependsOn: props.dependsOn,
    }).resource;
  }
}
