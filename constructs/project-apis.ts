import { ProjectService } from "@cdktf/provider-google/lib/project-service";
import type { ITerraformDependable } from "cdktf";
import { Construct } from "constructs";
import { Provisioner } from "./provisioner";

/** Google APIs that the stack and its containers call. */
const APIS = [
  "run",
  "compute",
  "cloudbuild",
  "secretmanager",
  "artifactregistry",
  "iam",
  "storage",
  "logging",
] as const;

/** Properties for `ProjectApis`. */
export interface ProjectApisProps {
  readonly projectId: string;
  readonly region: string;

  /**
   * More APIs by their first label.
   *
   * @default - those that every stack needs
   */
  readonly more?: readonly string[];

  /** What must be done before an API is switched on. */
  readonly dependsOn: ITerraformDependable[];
}

/** The APIs of the project, switched on and answering. */
export class ProjectApis extends Construct {
  /** Exists once every API answers: what every other resource depends on. */
  public readonly ready: ITerraformDependable;

  public constructor(scope: Construct, id: string, props: ProjectApisProps) {
    super(scope, id);

    const apis = [...APIS, ...(props.more ?? [])];
    const services = apis.map(
      (api) =>
        new ProjectService(this, api, {
          service: `${api}.googleapis.com`,
          // Other things in the project may use it.
          disableOnDestroy: false,
          dependsOn: props.dependsOn,
        }),
    );

    // The provider returns while an API still answers SERVICE_DISABLED, and
    // does not retry that answer.
    // https://github.com/hashicorp/terraform-provider-google/issues/11020
    const names = apis.map((api) => `${api}.googleapis.com`).join(",");
    this.ready = new Provisioner(this, "ready", {
      script: "provision/await-apis.ts",
      triggers: { apis: names },
      environment: {
        PROJECT_ID: props.projectId,
        REGION: props.region,
        APIS: names,
      },
      dependsOn: services,
    }).resource;
  }
}
