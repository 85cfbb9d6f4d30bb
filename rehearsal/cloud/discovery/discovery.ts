import { readdirSync, readFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { pythonEnvironment } from "../../../commands/python-environment";
import type { DiscoveryDocument, Method, Resource } from "./document";

/** A method that a call is, and the variables of its path, decoded. */
export interface FoundMethod {
  readonly method: Method;
  readonly variables: Readonly<Record<string, string>>;
}

interface Route {
  readonly method: Method;
  readonly shape: RegExp;
  readonly names: RegExp;
}

/** Google's own description of one REST API, in one version. */
export class Discovery {
  readonly document: DiscoveryDocument;
  private readonly routes: ReadonlyMap<string, readonly Route[]>;

  constructor(service: string, version: string) {
    const file = join(folder(), `${service}.${version}.json`);
    this.document = JSON.parse(readFileSync(file, "utf8"));
    const routes = new Map<string, Route[]>();
    for (const method of methodsOf(this.document)) {
      const list = routes.get(method.httpMethod) ?? [];
      routes.set(method.httpMethod, list);
      list.push(this.route(method, service));
    }
    this.routes = routes;
  }

  /** @param path - without a leading slash, e.g. `v2/projects/p/locations/r/jobs`, not decoded */
  find(httpMethod: string, path: string): FoundMethod | undefined {
    for (const { method, shape, names } of this.routes.get(httpMethod) ?? []) {
      if (shape.test(path)) {
        const found = names.exec(path)?.groups ?? {};
        const variables = Object.fromEntries(
          Object.entries(found).map(([name, value]) => [
            name,
            decodeURIComponent(value),
          ]),
        );
        return { method, variables };
      }
    }
    return undefined;
  }

  private route(method: Method, service: string): Route {
    const base = this.document.servicePath;
    const flat = base + (method.flatPath ?? method.path);
    // A verb stands behind a colon; of the older services, object names may hold one.
    const segment = ["storage", "compute"].includes(service)
      ? "[^/]+"
      : "[^/:]+";
    return {
      method,
      shape: pattern(flat, () => segment),
      names: pattern(
        base + method.path,
        (name, many) => `(?<${name}>${many ? ".+" : segment})`,
      ),
    };
  }
}

function pattern(
  template: string,
  variable: (name: string, many: boolean) => string,
): RegExp {
  const text = template.replace(
    /\{(\+?)(\w+)\}/g,
    (_whole, plus: string, name: string) => variable(name, plus !== ""),
  );
  return new RegExp(`^${text}$`);
}

function methodsOf(resource: Resource): Method[] {
  return [
    ...Object.values(resource.methods ?? {}),
    ...Object.values(resource.resources ?? {}).flatMap(methodsOf),
  ];
}

let found: string | undefined;

/** They come with google-api-python-client, which the environment of the tests has. */
function folder(): string {
  if (found === undefined) {
    const lib = join(dirname(pythonEnvironment()), "../lib");
    const python = readdirSync(lib).find((name) => name.startsWith("python3."));
    found = join(
      lib,
      python!,
      "site-packages/googleapiclient/discovery_cache/documents",
    );
  }
  return found;
}
