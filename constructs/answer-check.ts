import { CloudRunV2ServiceIamMember } from "@cdktf/provider-google/lib/cloud-run-v2-service-iam-member";
import { dependable } from "cdktf";
import { Construct } from "constructs";
import type { ModelSettings } from "./model-settings";
import { Provisioner } from "./provisioner";
import type { VllmService } from "./vllm-service";

/** Properties for an `AnswerCheck`. */
export interface AnswerCheckProps {
  readonly projectId: string;
  readonly region: string;
  readonly service: VllmService;
  readonly serving: ModelSettings["serving"];
  readonly bucketName: string;

  /** Folder of the model in the bucket. */
  readonly modelName: string;

  /** The version that should answer. */
  readonly runId: string;
}

/** Requests at a time in the check's second pass. */
const CONCURRENCY = 16;

/**
 * Asks the service, once for every revision, whether it answers as the model
 * that was scored. A check that fails fails the apply, and the next apply checks
 * again.
 */
export class AnswerCheck extends Construct {
  public constructor(scope: Construct, id: string, props: AnswerCheckProps) {
    super(scope, id);
    const { projectId, region, service, serving } = props;
    const { invoker, required, timeoutSeconds } = serving.check;
    // A caller has the role already.
    const granted =
      invoker === undefined || serving.invokers.includes(invoker)
        ? []
        : [
            new CloudRunV2ServiceIamMember(this, "invoker", {
              name: serving.service,
              location: region,
              role: "roles/run.invoker",
              member: invoker,
              dependsOn: [service.confirmed],
            }),
          ];

    new Provisioner(this, "parity", {
      script: "provision/check-answers.ts",
      // The confirmation is made anew for every revision.
      triggers: { revision: `\${${dependable(service.confirmed)}.id}` },
      environment: {
        PROJECT_ID: projectId,
        REGION: region,
        SERVICE_NAME: serving.service,
        URL: service.url,
        BUCKET_NAME: props.bucketName,
        MODEL: props.modelName,
        RUN_ID: props.runId,
        INVOKER: invoker ?? "",
        GRANTED:
          invoker === undefined && serving.invokers.length === 0 ? "no" : "yes",
        OWN_IMAGE:
          serving.image === undefined && serving.command === undefined
            ? "yes"
            : "no",
        REQUIRED: required ? "yes" : "no",
        // Of more, Cloud Run would start another instance for the rest.
        CONCURRENCY: String(Math.min(CONCURRENCY, serving.maxNumSeqs)),
        LIMIT_SECONDS: String(timeoutSeconds),
      },
      dependsOn: [service.confirmed, ...granted],
    });
  }
}
