import { ServiceAccount as Resource } from "@cdktf/provider-google/lib/service-account";
import type { ITerraformDependable } from "cdktf";
import { Construct } from "constructs";

/** Properties for a `ServiceAccount`. */
export interface ServiceAccountProps {
  /** The part of its address before the `@`. */
  readonly accountId: string;

  /** What it is for, as the console shows it. */
  readonly displayName: string;

  /** What must exist before it. */
  readonly dependsOn: ITerraformDependable[];
}

/** An identity that a build, a job or a service runs as. */
export class ServiceAccount extends Construct {
  /** Its address. */
  public readonly email: string;

  /** It as a member of IAM policies. */
  public readonly member: string;

  public constructor(scope: Construct, id: string, props: ServiceAccountProps) {
    super(scope, id);

    const account = new Resource(this, "Resource", {
      accountId: props.accountId,
      displayName: props.displayName,
      // An apply that was interrupted leaves an account that the state does not
      // know; without this the next one ends in "409 already exists".
      createIgnoreAlreadyExists: true,
      dependsOn: props.dependsOn,
    });
    this.email = account.email;
    this.member = account.member;
  }
}
