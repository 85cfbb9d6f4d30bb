import { execFileSync } from "node:child_process";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { pythonEnvironment } from "../commands/python-environment";

/**
 * Google's own description of its REST APIs, as it comes with the Python client
 * that the trainer uses. Requests and answers are held against it.
 *
 * @see https://developers.google.com/discovery/v1/reference/apis
 */
interface Document {
  readonly servicePath: string;
  readonly parameters: Record<string, Schema>;
  readonly schemas: Record<string, Schema>;
  readonly resources: Record<string, Resource>;
}
interface Resource {
  readonly methods?: Record<string, Method>;
  readonly resources?: Record<string, Resource>;
}
export interface Method {
  readonly id: string;
  readonly httpMethod: string;
  readonly path: string;
  readonly flatPath?: string;
  readonly parameters?: Record<string, Schema>;
  readonly request?: { readonly $ref: string };
  readonly response?: { readonly $ref: string };
  readonly mediaUpload?: {
    readonly protocols: { readonly simple: { readonly path: string } };
  };
}
interface Schema {
  readonly $ref?: string;
  readonly type?: string;
  readonly format?: string;
  readonly enum?: readonly string[];
  readonly items?: Schema;
  readonly properties?: Record<string, Schema>;
  readonly additionalProperties?: Schema;
  readonly location?: string;
  readonly required?: boolean;
  readonly readOnly?: boolean;
}

const VERSIONS: Readonly<Record<string, string>> = {
  artifactregistry: "v1",
  cloudbuild: "v1",
  cloudresourcemanager: "v1",
  compute: "v1",
  iam: "v1",
  logging: "v2",
  run: "v2",
  secretmanager: "v1",
  serviceusage: "v1",
  storage: "v1",
};

let folder: string | undefined;

/** The description of one API. */
export class Discovery {
  private readonly document: Document;
  private readonly methods: readonly Method[];

  constructor(service: string) {
    folder ??= discoveryFolder();
    const file = `${service}.${VERSIONS[service]}.json`;
    this.document = JSON.parse(readFileSync(join(folder, file), "utf8"));
    this.methods = methodsOf(this.document);
  }

  /**
   * The method that an HTTP call is, and its path's variables, decoded.
   *
   * @param path - without a leading slash, e.g. `v2/projects/p/locations/r/jobs`.
   */
  find(
    httpMethod: string,
    path: string,
  ): { method: Method; variables: string[] } | undefined {
    for (const method of this.methods.filter(
      (each) => each.httpMethod === httpMethod,
    )) {
      for (const template of this.templates(method)) {
        const match = pattern(template).exec(path);
        if (match) {
          const variables = match.slice(1).map(decodeURIComponent);
          return { method, variables };
        }
      }
    }
    return undefined;
  }

  /** What is wrong with a call's query. */
  queryProblems(method: Method, query: URLSearchParams): string[] {
    const known: Record<string, Schema> = {
      ...this.document.parameters,
      ...method.parameters,
    };
    const unknown = [...query.keys()]
      .filter((name) => ["path", undefined].includes(location(known[name])))
      .map((name) => `unknown query parameter ${name}`);
    const missing = Object.entries(method.parameters ?? {})
      .filter(([name, { required, location }]) => {
        return required && location === "query" && !query.has(name);
      })
      .map(([name]) => `missing query parameter ${name}`);
    return [...unknown, ...missing];
  }

  /** What is wrong with a call's body or, with `answer`, with what came back. */
  bodyProblems(
    ref: { readonly $ref: string } | undefined,
    body: unknown,
    answer = false,
  ): string[] {
    if (body === undefined) return [];
    if (ref === undefined) return ["a body where none is known"];
    return this.problems(ref, body, "", answer);
  }

  private templates(method: Method): string[] {
    const upload = method.mediaUpload?.protocols.simple.path;
    return [
      this.document.servicePath + (method.flatPath ?? method.path),
      ...(upload ? [upload.replace(/^\//, "")] : []),
    ];
  }

  private problems(
    schema: Schema,
    value: unknown,
    at: string,
    answer: boolean,
  ): string[] {
    if (schema.readOnly && !answer) return [`${at} is output only`];
    if (schema.$ref) {
      const target = this.document.schemas[schema.$ref] as Schema;
      return this.problems(target, value, at, answer);
    }
    if (schema.type === "array") {
      if (!Array.isArray(value)) return [`${at} is no array`];
      return value.flatMap((item, index) =>
        this.problems(schema.items ?? {}, item, `${at}[${index}]`, answer),
      );
    }
    if (schema.type === "object") {
      if (typeof value !== "object" || value === null || Array.isArray(value)) {
        return [`${at} is no object`];
      }
      return Object.entries(value).flatMap(([name, part]) => {
        const known = schema.properties?.[name] ?? schema.additionalProperties;
        return known
          ? this.problems(known, part, `${at}.${name}`, answer)
          : [`unknown field ${at}.${name}`];
      });
    }
    return scalarProblems(schema, value, at);
  }
}

function scalarProblems(schema: Schema, value: unknown, at: string): string[] {
  if (schema.type === undefined || schema.type === "any") return [];
  const type = schema.type === "integer" ? "number" : schema.type;
  if (typeof value !== type) {
    return [`${at} is a ${typeof value}, not a ${schema.type}`];
  }
  if (schema.enum && !schema.enum.includes(String(value))) {
    return [
      `${at} is '${String(value)}', not one of ${schema.enum.join(", ")}`,
    ];
  }
  // 64-bit numbers travel as strings.
  return schema.format === "int64" && !/^-?\d+$/.test(String(value))
    ? [`${at} is '${String(value)}', not a number`]
    : [];
}

function methodsOf(resource: Resource): Method[] {
  return [
    ...Object.values(resource.methods ?? {}),
    ...Object.values(resource.resources ?? {}).flatMap(methodsOf),
  ];
}

function pattern(template: string): RegExp {
  return new RegExp(`^${template.replace(/\{\+?\w+\}/g, "([^/:]+)")}$`);
}

function location(parameter: Schema | undefined): string | undefined {
  return parameter?.location;
}

function discoveryFolder(): string {
  const program =
    "import googleapiclient.discovery_cache as c, os; print(os.path.join(os.path.dirname(c.__file__), 'documents'))";
  return execFileSync(pythonEnvironment(), ["-c", program], {
    encoding: "utf8",
  }).trim();
}
