/**
 * The part of a discovery document that is read here.
 *
 * @see https://developers.google.com/discovery/v1/reference/apis
 */
export interface DiscoveryDocument {
  readonly title: string;
  readonly version: string;
  readonly servicePath: string;
  readonly parameters: Readonly<Record<string, Schema>>;
  readonly schemas: Readonly<Record<string, Schema>>;
  readonly resources: Readonly<Record<string, Resource>>;
}

export interface Resource {
  readonly methods?: Readonly<Record<string, Method>>;
  readonly resources?: Readonly<Record<string, Resource>>;
}

export interface Method {
  /** Such as `run.projects.locations.jobs.run`. */
  readonly id: string;
  readonly httpMethod: string;

  /** Such as `v2/{+parent}/jobs`. */
  readonly path: string;

  /** The same with each segment of its own: `v2/projects/{projectsId}/...`. */
  readonly flatPath?: string;
  readonly parameters?: Readonly<Record<string, Schema>>;
  readonly request?: { readonly $ref: string };
  readonly response?: { readonly $ref: string };
}

export interface Schema {
  readonly $ref?: string;
  readonly type?: string;
  readonly format?: string;
  readonly enum?: readonly string[];
  readonly items?: Schema;
  readonly properties?: Readonly<Record<string, Schema>>;
  readonly additionalProperties?: Schema;
  readonly description?: string;
  readonly readOnly?: boolean;

  /** Where a parameter goes: `path` or `query`. */
  readonly location?: string;

  /** Whether a parameter must be there. */
  readonly required?: boolean;
  readonly repeated?: boolean;

  /** Storage says here which methods need a field. */
  readonly annotations?: { readonly required?: readonly string[] };
}
