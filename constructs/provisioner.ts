import { Resource } from "@cdktf/provider-null/lib/resource";
import type { ITerraformDependable } from "cdktf";
import { Construct } from "constructs";

/** Properties for a `Provisioner`. */
export interface ProvisionerProps {
  /** Script below the project's root, such as `provision/build-image.ts`. */
  readonly script: string;

  /**
   * Key of what the script makes, such as a run id. The script runs again when
   * it changes and at no other time: not when the script itself was refactored.
   */
  readonly triggers: Record<string, string>;

  /** Everything that the script is told. */
  readonly environment: Record<string, string>;

  /** What must exist before it runs. */
  readonly dependsOn: ITerraformDependable[];
}

/**
 * A step of the apply that no resource of the provider covers, as a null
 * resource whose local-exec starts Node on a TypeScript file: no shell, so
 * nothing in a setting can become a command.
 */
export class Provisioner extends Construct {
  /** The null resource: done when it exists. */
  public readonly resource: Resource;

  public constructor(scope: Construct, id: string, props: ProvisionerProps) {
    super(scope, id);

    this.resource = new Resource(this, "Resource", {
      triggers: props.triggers,
      dependsOn: props.dependsOn,
      provisioners: [
        {
          type: "local-exec",
          interpreter: ["node", "-r", "./swc-register.cjs"],
          command: props.script,
          // The stack is synthesized to cdktf.out/stacks/NAME below the root.
          workingDir: "${path.root}/../../..",
          environment: {
            ...props.environment,
            // local-exec hands on Terraform's own environment, and with it the
            // token that only the secret's resource may see.
            HF_TOKEN: "",
            TF_VAR_hf_token: "",
          },
        },
      ],
    });
  }
}
