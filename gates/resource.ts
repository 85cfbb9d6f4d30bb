import type { Json } from "./json";

/** What an argument of a provisioner or an output is made of. */
export interface Expression {
  /** Its text or value as far as it is written down; undefined when not known. */
  readonly value?: unknown;

  /** What it refers to, such as `var.hf_token`. */
  readonly references: readonly string[];
}

/** A command that Terraform runs beside a resource. */
export interface Provisioner {
  /** Such as `local-exec`. */
  readonly type: string;
  readonly arguments: Readonly<Record<string, Expression>>;
}

/**
 * One resource as rules see it, from the synthesized JSON or from a plan. Nested
 * blocks may be lists or objects: `attributes()` looks through both.
 */
export interface Resource {
  /** Such as `google_storage_bucket.models_0A1B2C3D`. */
  readonly address: string;
  readonly mode: "managed" | "data";
  readonly type: string;
  readonly name: string;
  readonly index?: string | number;

  /** What it will be; empty when it goes. */
  readonly values: Json;

  /**
   * Mirror of `values`, true where a value is not known yet. In a plan such a
   * value is missing from `values`; in synthesized JSON its reference is there.
   */
  readonly unknown: Json;

  /** Mirror of `values`, true where a value must not be shown. */
  readonly sensitive: Json;

  /** The same of `before`; nothing at synth. */
  readonly sensitiveBefore?: Json;

  /** What it is now; null when it does not exist, and always at synth. */
  readonly before: Json | null;

  /** `["create"]`, `["delete", "create"]`, `["no-op"]` ...; empty at synth. */
  readonly actions: readonly string[];

  /** Why it is replaced or deleted, such as `replace_because_tainted`. */
  readonly actionReason?: string;
  readonly replacePaths: readonly (readonly unknown[])[];
  readonly provisioners: readonly Provisioner[];

  /**
   * A plan's configuration of it: unlike `values` it tells what is written down
   * from what the provider fills in.
   */
  readonly written?: Json;

  /** Where it was before a `moved` block. */
  readonly previousAddress?: string;

  /** Whether an `import` block takes it over. */
  readonly importing: boolean;

  /** Key of an object that an interrupted replacement left behind. */
  readonly deposed?: string;
}

/** An output of the stack. */
export interface Output {
  readonly name: string;
  readonly value: unknown;

  /** What the state holds of it; undefined at synth. */
  readonly before?: unknown;
  readonly unknown: unknown;
  readonly sensitive: boolean;
}

/** A provider that a configuration asks for. */
export interface UsedProvider {
  /** Such as `registry.terraform.io/hashicorp/google`. */
  readonly source: string | undefined;

  /** The constraint. */
  readonly version: string | undefined;
}

/** What there is to judge: the common view of synthesized JSON and plans. */
export interface Plan {
  readonly kind: "synth" | "plan";
  readonly resources: readonly Resource[];

  /** What was changed outside of Terraform since the last apply. */
  readonly drift: readonly Resource[];
  readonly outputs: readonly Output[];

  /** Variables by name, with the value that the plan was made with. */
  readonly variables: Readonly<Record<string, unknown>>;

  /** Arguments of the providers, as they are written down. */
  readonly providerArguments: Json;

  /** What is written down beside resources and providers, by place. */
  readonly beside: Json;

  /** Labels that the provider puts on everything. */
  readonly labels: Readonly<Record<string, string>>;

  /** Version of Terraform that made the plan; a constraint at synth. */
  readonly terraformVersion?: string;

  /** Providers by their local names. */
  readonly providers: Readonly<Record<string, UsedProvider>>;

  /** Reasons why the plan is no basis for a judgement. */
  readonly faults: readonly string[];
}

/** Whether the resource will be there after the apply. */
export function remains({ actions }: Resource): boolean {
  return !["delete", "forget"].includes(actions.join());
}

/** Whether an object that exists is destroyed, by itself or for a replacement. */
export function isDeleted({ actions }: Resource): boolean {
  return actions.includes("delete");
}

/** Whether a new object is made, also as replacement of another. */
export function isCreated({ actions }: Resource): boolean {
  return actions.includes("create");
}
