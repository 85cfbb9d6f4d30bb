import { SecretManagerSecret } from "@cdktf/provider-google/lib/secret-manager-secret";
import { SecretManagerSecretIamMember } from "@cdktf/provider-google/lib/secret-manager-secret-iam-member";
import { SecretManagerSecretVersion } from "@cdktf/provider-google/lib/secret-manager-secret-version";
import type { ITerraformDependable, TerraformVariable } from "cdktf";
import { Construct } from "constructs";

/** Properties for a `HuggingFaceToken`. */
export interface HuggingFaceTokenProps {
  /** Name of the secret. */
  readonly secret: string;

  /**
   * Ephemeral variable that holds the token when it is to be written.
   *
   * @default - the secret and a version exist already; only access is granted
   */
  readonly variable?: TerraformVariable;

  /** Number that is raised to write a new token. */
  readonly version: number;

  /** `automatic`, or the regions that hold copies. */
  readonly replication: "automatic" | readonly string[];

  /** Whether the secret must be unlocked before it can be deleted. */
  readonly deletionProtection: boolean;

  /** Members that may read the token. */
  readonly readers: Record<string, string>;

  /** What must exist before it. */
  readonly dependsOn: ITerraformDependable[];
}

/**
 * The token that downloads a gated base model, in Secret Manager. Terraform
 * writes it through a write-only argument, so it is in no state and no plan.
 *
 * @see https://developer.hashicorp.com/terraform/language/resources/ephemeral/write-only
 */
export class HuggingFaceToken extends Construct {
  /** Name of the secret, for a container's environment. */
  public readonly secret: string;

  /** Version for a container's environment. */
  public readonly version: string;

  /** The grants, which take a while to spread. */
  public readonly grants: ITerraformDependable[];

  /** What must exist before a container that reads the token. */
  public readonly ready: ITerraformDependable[];

  public constructor(
    scope: Construct,
    id: string,
    props: HuggingFaceTokenProps,
  ) {
    super(scope, id);
    const { variable, replication, dependsOn } = props;

    let secret: SecretManagerSecret | undefined;
    this.secret = props.secret;
    this.version = "latest";
    this.ready = [];
    if (variable !== undefined) {
      secret = new SecretManagerSecret(this, "Resource", {
        secretId: props.secret,
        replication:
          replication === "automatic"
            ? { auto: {} }
            : {
                userManaged: {
                  replicas: replication.map((location) => ({ location })),
                },
              },
        deletionProtection: props.deletionProtection,
        dependsOn,
      });
      const version = new SecretManagerSecretVersion(this, "version", {
        secret: secret.id,
        secretDataWo: variable.stringValue,
        secretDataWoVersion: props.version,
        // A rotation without a token fails; the version before it must survive.
        lifecycle: { createBeforeDestroy: true },
      });
      this.secret = secret.secretId;
      // A number is read consistently at once; an alias may lag behind.
      this.version = version.version;
      this.ready.push(version);
    }

    this.grants = Object.entries(props.readers).map(
      ([name, member]) =>
        new SecretManagerSecretIamMember(this, `${name}-accessor`, {
          secretId: secret?.id ?? props.secret,
          role: "roles/secretmanager.secretAccessor",
          member,
          dependsOn,
        }),
    );
    this.ready.push(...this.grants);
  }
}
