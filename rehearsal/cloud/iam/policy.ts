/** @see https://cloud.google.com/iam/docs/reference/rest/v1/Policy */
export interface Policy {
  readonly version: number;
  readonly etag: string;
  readonly bindings: readonly Binding[];
}

export interface Binding {
  readonly role: string;
  readonly members: readonly string[];
  readonly condition?: Condition;
}

export interface Condition {
  readonly title?: string;
  readonly description?: string;

  /** In the Common Expression Language. */
  readonly expression?: string;
}
