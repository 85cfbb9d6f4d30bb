import { CloudRunV2Job } from "@cdktf/provider-google/lib/cloud-run-v2-job";
import type { ITerraformDependable } from "cdktf";
import { Construct } from "constructs";
import type { Accelerator } from "./gpu-shapes";
import { type NetworkAccess, vpcAccess } from "./network-access";

/** Properties for a `TrainingJob`. */
export interface TrainingJobProps {
  readonly jobName: string;
  readonly region: string;

  /** Address of the trainer's image. */
  readonly image: string;

  /** Address of the identity that it runs as. */
  readonly serviceAccount: string;

  /** Plain environment of the container, by name. */
  readonly environment: Record<string, string>;

  /**
   * Secret that becomes `HF_TOKEN`.
   *
   * @default - the base model needs no token
   */
  readonly token?: { readonly secret: string; readonly version: string };

  /** Labels of every execution. */
  readonly executionLabels: Record<string, string>;

  readonly bucketName: string;
  readonly accelerator: Accelerator;
  readonly cpu: number;
  readonly memory: string;
  readonly timeoutSeconds: number;
  readonly retries: number;
  readonly network: NetworkAccess | "none";

  /** What must exist before it. */
  readonly dependsOn: ITerraformDependable[];
}

/** Where the tutorial mounts the bucket, in the job and in the service. */
export const MODELS_MOUNT = "/finetune/new_model";

/**
 * The Cloud Run job that fine-tunes on a GPU. It only describes the work; the
 * training run starts it.
 *
 * @see https://cloud.google.com/run/docs/configuring/jobs/gpu
 */
export class TrainingJob extends Construct {
  /** The job. */
  public readonly resource: CloudRunV2Job;

  public constructor(scope: Construct, id: string, props: TrainingJobProps) {
    super(scope, id);
    const { token } = props;

    this.resource = new CloudRunV2Job(this, "Resource", {
      name: props.jobName,
      location: props.region,
      // A first create that fails leaves a tainted job, which could not be
      // replaced under protection; nothing is lost with it.
      deletionProtection: false,
      template: {
        labels: props.executionLabels,
        taskCount: 1,
        parallelism: 1,
        template: {
          serviceAccount: props.serviceAccount,
          executionEnvironment: "EXECUTION_ENVIRONMENT_GEN2",
          timeout: `${props.timeoutSeconds}s`,
          maxRetries: props.retries,
          nodeSelector: { accelerator: props.accelerator },
          // Jobs with a GPU must do without it.
          gpuZonalRedundancyDisabled: true,
          containers: [
            {
              image: props.image,
              env: [
                ...Object.entries(props.environment).map(([name, value]) => ({
                  name,
                  value,
                })),
                ...(token === undefined
                  ? []
                  : [
                      {
                        name: "HF_TOKEN",
                        valueSource: { secretKeyRef: token },
                      },
                    ]),
              ],
              resources: {
                limits: {
                  cpu: String(props.cpu),
                  memory: props.memory,
                  "nvidia.com/gpu": "1",
                },
              },
              volumeMounts: [{ name: "models", mountPath: MODELS_MOUNT }],
            },
          ],
          volumes: [
            {
              name: "models",
              gcs: { bucket: props.bucketName, readOnly: false },
            },
          ],
          ...vpcAccess(props.network),
        },
      },
      // Set by gcloud and the console whenever they touch the job.
      lifecycle: { ignoreChanges: ["client", "client_version"] },
      dependsOn: props.dependsOn,
    });
  }
}
