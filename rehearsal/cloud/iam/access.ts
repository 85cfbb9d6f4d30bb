import { ApiError } from "../api-error";
import type { CloudSettings } from "../cloud-settings";
import { etag } from "../identifiers";
import { type ConditionContext, holds } from "./condition";
import type { Binding, Policy } from "./policy";
import { roleAllows } from "./roles";
import type { CloudState } from "../state";

/** Policies of all resources, and what they allow. */
export class Access {
  constructor(
    private readonly state: CloudState,
    private readonly settings: CloudSettings,
  ) {}

  get project(): string {
    return `projects/${this.settings.project}`;
  }

  /** The policy that was set last, whether it has got around or not. */
  policy(resource: string): Policy {
    const policies = this.state.policies[resource] ?? [];
    return (
      policies.at(-1)?.policy ?? { version: 1, etag: "ACAB", bindings: [] }
    );
  }

  /**
   * Sets a resource's policy, as a `setIamPolicy` of any API does.
   *
   * @throws ApiError when somebody else changed it meanwhile, or a binding is not valid
   */
  setPolicy(resource: string, asked: Partial<Policy>): Policy {
    const present = this.policy(resource);
    if (asked.etag && asked.etag !== present.etag) {
      throw new ApiError(
        409,
        "There were concurrent policy changes. Please retry the whole read-modify-write with exponential backoff.",
        { status: "ABORTED" },
      );
    }
    const bindings = (asked.bindings ?? []).filter(
      ({ members }) => members?.length > 0,
    );
    for (const binding of bindings) {
      this.checkBinding(binding, asked.version ?? 1);
    }
    const policy = { version: asked.version ?? 1, etag: etag(), bindings };
    this.put(resource, policy, Date.now());
    return policy;
  }

  /** Gives a new resource the policy that it is born with, in force at once. */
  create(resource: string, bindings: readonly Binding[]): void {
    delete this.state.policies[resource];
    this.put(resource, { version: 1, etag: etag(), bindings }, 0);
  }

  delete(resource: string): void {
    delete this.state.policies[resource];
  }

  /** A deleted account keeps its place in policies, but means nobody. */
  forget(email: string, uniqueId: string): void {
    const deleted = `deleted:serviceAccount:${email}?uid=${uniqueId}`;
    for (const policies of Object.values(this.state.policies)) {
      for (const entry of policies) {
        entry.policy = {
          ...entry.policy,
          bindings: entry.policy.bindings.map((binding) => ({
            ...binding,
            members: binding.members.map((member) =>
              member === `serviceAccount:${email}` ? deleted : member,
            ),
          })),
        };
      }
    }
  }

  /**
   * Whether a principal has a permission on a resource: by the resource's policy or the project's.
   *
   * @param target - what conditions see; the resource itself by default
   */
  allows(
    principal: string,
    permission: string,
    resource: string = this.project,
    target: string = resource,
  ): boolean {
    const context = conditionContext(permission, target);
    // A billing account stands beside the project: its owner has nothing to say there.
    const inherits =
      resource !== this.project && resource.startsWith("projects/");
    const bindings = [
      ...this.effective(resource),
      ...(inherits ? this.effective(this.project) : []),
    ];
    return bindings.some(
      ({ role, members, condition }) =>
        members.some((member) => this.includes(member, principal)) &&
        roleAllows(role, permission) &&
        (!condition?.expression || holds(condition.expression, context)),
    );
  }

  private put(resource: string, policy: Policy, since: number): void {
    const policies = (this.state.policies[resource] ??= []);
    policies.push({ since, policy });
    // The newest that is in force, and what comes after it.
    const limit = Date.now() - this.settings.iamDelay * 1000;
    while (policies.length > 1 && policies[1]!.since <= limit) {
      policies.shift();
    }
  }

  private effective(resource: string): readonly Binding[] {
    const limit = Date.now() - this.settings.iamDelay * 1000;
    const policies = this.state.policies[resource] ?? [];
    return (
      policies.filter(({ since }) => since <= limit).at(-1)?.policy.bindings ??
      []
    );
  }

  private includes(member: string, principal: string): boolean {
    if (member === principal || member === "allUsers") return true;
    if (member === "allAuthenticatedUsers") return principal !== "anonymous";
    const basic = /^project(Owner|Editor|Viewer):/.exec(member)?.[1];
    return (
      basic !== undefined &&
      this.effective(this.project).some(
        ({ role, members }) =>
          role === `roles/${basic.toLowerCase()}` &&
          members.includes(principal),
      )
    );
  }

  private checkBinding({ role, members, condition }: Binding, version: number) {
    if (!/^(roles|projects\/[^/]+\/roles)\/[\w.]+$/.test(role)) {
      throw new ApiError(
        400,
        `Role ${role} is not supported for this resource.`,
      );
    }
    for (const member of members) {
      const own = /^serviceAccount:(.+@(.+)\.iam\.gserviceaccount\.com)$/.exec(
        member,
      );
      if (own?.[2] === this.settings.project && !this.state.accounts[own[1]!]) {
        throw new ApiError(400, `Service account ${own[1]} does not exist.`);
      }
      if (!/^(allUsers$|allAuthenticatedUsers$|[\w]+:)/.test(member)) {
        throw new ApiError(400, `Invalid principal: ${member}`);
      }
    }
    if (condition?.expression) {
      if (version < 3) {
        throw new ApiError(
          400,
          "Policies with conditions must have version 3 set in the policy.",
        );
      }
      checkExpression(condition.expression);
    }
  }
}

function conditionContext(
  permission: string,
  target: string,
): ConditionContext {
  const service = `${permission.split(".")[0]}.googleapis.com`;
  const kind = target.includes("/objects/") ? "Object" : "Bucket";
  return {
    "resource.name": target,
    "resource.type": `${service}/${kind}`,
    "resource.service": service,
  };
}

function checkExpression(expression: string): void {
  try {
    holds(expression, conditionContext("", ""));
  } catch (error) {
    throw new ApiError(
      400,
      `Condition expression compilation failed: ${(error as Error).message}`,
    );
  }
}
