import { TerraformVariable } from "cdktf";
import { Construct } from "constructs";
import { Provisioner } from "./provisioner";

/** Properties for a `TokenGuard`. */
export interface TokenGuardProps {
  /** Name of the secret that the token is due for. */
  readonly secret: string;

  /** Number that is raised to write a new token. */
  readonly version: number;
}

/**
 * The variable with the Hugging Face token, and a guard that fails before
 * anything is created when an apply must write the token and has none. Later
 * applies need no token: the guard runs again only for a new version.
 */
export class TokenGuard extends Construct {
  /** The token, which Terraform forgets when it ends. */
  public readonly variable: TerraformVariable;

  /** Exists once the token is there. */
  public readonly passed: Provisioner["resource"];

  public constructor(scope: Construct, id: string, props: TokenGuardProps) {
    super(scope, id);

    this.variable = new TerraformVariable(this, "hf_token", {
      type: "string",
      default: "",
      sensitive: true,
      description: "Hugging Face token with read access to the base model",
    });
    this.variable.overrideLogicalId("hf_token");
    // Terraform knows ephemeral variables since 1.10, cdktf's class does not.
    this.variable.addOverride("ephemeral", true);

    this.passed = new Provisioner(this, "given", {
      script: "provision/require-token.ts",
      // A secret under another name needs its token as well.
      triggers: { version: String(props.version), secret: props.secret },
      environment: {
        TOKEN_PRESENT: '${var.hf_token == "" ? "no" : "yes"}',
        SECRET: props.secret,
        VERSION: String(props.version),
      },
      dependsOn: [],
    }).resource;
  }
}
