import { CloudRunV2Service } from "@cdktf/provider-google/lib/cloud-run-v2-service";
import { CloudRunV2ServiceIamMember } from "@cdktf/provider-google/lib/cloud-run-v2-service-iam-member";
import { dependable, type ITerraformDependable } from "cdktf";
import { Construct } from "constructs";
import { createHash } from "node:crypto";
import type { ModelSettings } from "./model-settings";
import { type NetworkAccess, vpcAccess } from "./network-access";
import { Provisioner } from "./provisioner";
import { MODELS_MOUNT } from "./training-job";
import { serverArguments, serverEnvironment } from "./vllm-server";

/** Properties for a `VllmService`. */
export interface VllmServiceProps {
  readonly projectId: string;
  readonly region: string;
  readonly image: string;

  /** Address of the identity that it runs as. */
  readonly serviceAccount: string;
  readonly bucketName: string;

  /** Version directory below the bucket: `MODEL/RUN_ID`. */
  readonly version: string;
  readonly serving: ModelSettings["serving"];
  readonly network: NetworkAccess | "none";

  /** What must exist before it. */
  readonly dependsOn: ITerraformDependable[];
}

/** A start waits half of it on average for the probe that finds it healthy. */
const PROBE_PERIOD_SECONDS = 5;

/**
 * What others write: gcloud and the console name themselves whenever they touch
 * a service, and the API fills in how it scales.
 */
const REPORTED = [
  "client",
  "client_version",
  "scaling[0].manual_instance_count",
  "scaling[0].scaling_mode",
];

/**
 * The Cloud Run service that answers with one published version.
 *
 * @see https://cloud.google.com/run/docs/configuring/services/gpu
 */
export class VllmService extends Construct {
  /** Where it answers. */
  public readonly url: string;

  /** Exists once the newest revision is the one that answers. */
  public readonly confirmed: ITerraformDependable;

  public constructor(scope: Construct, id: string, props: VllmServiceProps) {
    super(scope, id);
    const { serving, bucketName } = props;
    const { command, port, egress } = serving;
    const mounted = serving.loadFormat === "mount";
    const network =
      props.network === "none" || egress === undefined
        ? props.network
        : { ...props.network, egress };
    // Creating waits for the first start, so it may take all of the probe's
    // budget, after the image was pulled.
    const minutes = `${Math.ceil(serving.startupSeconds / 60) + 15}m`;

    const service = new CloudRunV2Service(this, "Resource", {
      name: serving.service,
      location: props.region,
      ingress: INGRESS[serving.ingress],
      deletionProtection: serving.deletionProtection,
      // Provider 6.50 removes for ever what the API reports here, unless it is
      // declared. https://github.com/hashicorp/terraform-provider-google/issues/20105
      scaling: { minInstanceCount: serving.minInstances },
      template: {
        serviceAccount: props.serviceAccount,
        executionEnvironment: "EXECUTION_ENVIRONMENT_GEN2",
        timeout: `${serving.requestTimeoutSeconds}s`,
        // More would wait inside vLLM, where Cloud Run cannot see them.
        maxInstanceRequestConcurrency: serving.maxNumSeqs,
        scaling: { maxInstanceCount: serving.maxInstances },
        nodeSelector: { accelerator: serving.accelerator },
        gpuZonalRedundancyDisabled: true,
        containers: [
          {
            image: props.image,
            ...(command === undefined ? {} : { command }),
            args: serverArguments(serving, {
              bucketName,
              version: props.version,
              mount: MODELS_MOUNT,
            }),
            env: Object.entries(serverEnvironment(serving)).map(
              ([name, value]) => ({ name, value }),
            ),
            ports: { name: "http1", containerPort: port },
            resources: {
              limits: {
                cpu: String(serving.cpu),
                memory: serving.memory,
                "nvidia.com/gpu": "1",
              },
              // A GPU needs its CPU all the time.
              cpuIdle: false,
              // Imports are most of a start, and run on up to 8 CPUs then.
              // https://cloud.google.com/run/docs/configuring/services/cpu#startup-boost
              ...(serving.cpu < 8 ? { startupCpuBoost: true } : {}),
            },
            startupProbe: {
              httpGet: { path: serving.healthPath, port },
              initialDelaySeconds: 0,
              periodSeconds: PROBE_PERIOD_SECONDS,
              timeoutSeconds: 5,
              failureThreshold: serving.startupSeconds / PROBE_PERIOD_SECONDS,
            },
            ...(mounted
              ? { volumeMounts: [{ name: "models", mountPath: MODELS_MOUNT }] }
              : {}),
          },
        ],
        ...(mounted
          ? {
              volumes: [
                { name: "models", gcs: { bucket: bucketName, readOnly: true } },
              ],
            }
          : {}),
        ...vpcAccess(network),
      },
      timeouts: { create: minutes, update: minutes },
      lifecycle: { ignoreChanges: REPORTED },
      dependsOn: props.dependsOn,
    });
    this.url = service.uri;

    this.confirmed = new Provisioner(this, "confirmation", {
      script: "provision/confirm-serving.ts",
      // Everything that makes a new revision, as the settings have it. What the
      // service itself reports is not known before an update is over.
      triggers: {
        version: props.version,
        image: props.image,
        settings: fingerprint([serving, props.network]),
      },
      environment: {
        PROJECT_ID: props.projectId,
        REGION: props.region,
        SERVICE_NAME: service.name,
        VERSION: `gs://${bucketName}/${props.version}`,
        ADDRESS: dependable(service),
      },
      dependsOn: [service],
    }).resource;

    for (const member of new Set(serving.invokers)) {
      new CloudRunV2ServiceIamMember(this, `invoker-${member}`, {
        name: service.name,
        location: service.location,
        role: "roles/run.invoker",
        member,
      });
    }
  }
}

function fingerprint(value: unknown): string {
  return createHash("sha256")
    .update(JSON.stringify(value))
    .digest("hex")
    .slice(0, 12);
}

const INGRESS = {
  all: "INGRESS_TRAFFIC_ALL",
  internal: "INGRESS_TRAFFIC_INTERNAL_ONLY",
  "internal-and-cloud-load-balancing": "INGRESS_TRAFFIC_INTERNAL_LOAD_BALANCER",
} as const;
