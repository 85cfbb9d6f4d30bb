import { Annotations, type ITerraformDependable } from "cdktf";
import { Construct } from "constructs";
import { AnswerCheck } from "./answer-check";
import type { RunnableImage } from "./container-image";
import type { ModelBucket } from "./model-bucket";
import { SettingsError } from "./read-settings";
import { runId } from "./run-id";
import type { EnvironmentSettings } from "./settings";
import { trainerEnvironment } from "./trainer-environment";
import { TrainingJob } from "./training-job";
import { TrainingRun } from "./training-run";
import { incumbentAddress } from "./version-address";
import { VllmService } from "./vllm-service";

/** Properties for a `FinetunedModel`. */
export interface FinetunedModelProps {
  readonly environment: EnvironmentSettings;
  readonly model: EnvironmentSettings["models"][string];

  /** Version of the trainer's recipe. */
  readonly recipe: number;

  /** What fine-tunes. */
  readonly trainer: RunnableImage;

  /** What serves. */
  readonly vllm: RunnableImage;
  readonly bucket: ModelBucket;

  /** Addresses of the identities. */
  readonly accounts: { readonly train: string; readonly serve: string };

  /** Secret with the token, where the base needs one. */
  readonly token:
    | { readonly secret: string; readonly version: string }
    | undefined;

  /** What must exist before job and service. */
  readonly dependsOn: ITerraformDependable[];
}

/** One model from its training job to the service that answers with it. */
export class FinetunedModel extends Construct {
  /** Folder of the model in the bucket. */
  public readonly modelName: string;

  /** Identity of the served version. */
  public readonly runId: string;

  /** Where the served version is. */
  public readonly uri: string;

  public readonly service: VllmService;

  public constructor(scope: Construct, id: string, props: FinetunedModelProps) {
    super(scope, id);
    const { environment, model, bucket, dependsOn } = props;
    const { projectId, region, network } = environment;
    const { training, serving, promotion } = model;
    const { bucketName } = bucket;
    const trainedRun = runId(model, props.recipe);
    this.warnOfMovingRevisions(model);
    this.refuseOwnRun(model, trainedRun);

    const job = new TrainingJob(this, "job", {
      jobName: training.job,
      region,
      image: props.trainer.uri,
      serviceAccount: props.accounts.train,
      environment: trainerEnvironment(model, {
        projectId,
        region,
        bucketName,
        modelName: model.name,
        runId: trainedRun,
        recipe: props.recipe,
        sourceHash: props.trainer.source,
      }),
      ...(props.token === undefined ? {} : { token: props.token }),
      executionLabels: { model: model.name, "run-id": trainedRun },
      bucketName,
      accelerator: training.accelerator,
      cpu: training.cpu,
      memory: training.memory,
      timeoutSeconds: training.timeoutSeconds,
      retries: training.retries,
      network,
      dependsOn: [...dependsOn, ...props.trainer.ready],
    });

    this.modelName = model.name;
    this.runId = model.pin ?? trainedRun;
    const version = `${model.name}/${this.runId}`;
    this.uri = `gs://${bucketName}/${version}`;
    const { published } = new TrainingRun(this, "run", {
      projectId,
      region,
      jobName: job.resource.name,
      runId: this.runId,
      pinned: model.pin !== undefined,
      modelName: model.name,
      bucketName,
      sourceHash: props.trainer.source,
      metric: promotion.metric,
      ...(promotion.minimum === undefined
        ? {}
        : { minimum: promotion.minimum }),
      ...(promotion.mustBeat === undefined
        ? {}
        : {
            mustBeat: incumbentAddress(
              promotion.mustBeat,
              `gs://${bucketName}/${model.name}`,
            ),
          }),
      accelerator: training.accelerator,
      timeoutSeconds: training.timeoutSeconds,
      retries: training.retries,
      dependsOn: [job.resource],
    });

    this.service = new VllmService(this, "service", {
      projectId,
      region,
      image: props.vllm.uri,
      serviceAccount: props.accounts.serve,
      bucketName,
      version,
      serving,
      network,
      dependsOn: [...dependsOn, ...props.vllm.ready, published],
    });
    if (serving.check.enabled) {
      new AnswerCheck(this, "check", {
        projectId,
        region,
        service: this.service,
        serving,
        bucketName,
        modelName: this.modelName,
        runId: this.runId,
      });
    }
  }

  /** Only here is the run id known. A pinned model is not judged. */
  private refuseOwnRun(
    { name, pin, promotion }: FinetunedModelProps["model"],
    trainedRun: string,
  ): void {
    if (pin === undefined && promotion.mustBeat === trainedRun) {
      throw new SettingsError([
        `promotion.mustBeat of model ${name}: got "${trainedRun}", which is the run that these settings train; allowed: an earlier published run, or base (to serve ${trainedRun} as it is, pin it)`,
      ]);
    }
  }

  /** A branch may move under an unchanged run id; a commit cannot. */
  private warnOfMovingRevisions({
    base,
    dataset,
  }: FinetunedModelProps["model"]) {
    for (const { id, revision } of [base, dataset]) {
      if (HUB_ID.test(id) && !COMMIT.test(revision)) {
        Annotations.of(this).addWarning(
          `${id} stands at '${revision}', which can change without a new run id: npm run pin writes the commit`,
        );
      }
    }
  }
}

const HUB_ID = /^[\w.-]+(\/[\w.-]+)?$/;
const COMMIT = /^[0-9a-f]{40}$/;
