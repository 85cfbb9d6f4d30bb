import { createServer, type IncomingMessage, type Server } from "node:http";
import { type AddressInfo } from "node:net";
import { Discovery, type Method } from "./google-discovery";

/** A call that arrived. */
export interface Call {
  /** Discovery's name, e.g. `run.projects.locations.jobs.run`. */
  readonly id: string;

  /** The variables of the path, in order, decoded. */
  readonly variables: readonly string[];
  readonly query: URLSearchParams;
  readonly headers: IncomingMessage["headers"];

  /** The parsed JSON. */
  readonly body: any;

  /** The raw body of a media upload. */
  readonly bytes: Buffer;

  /** How many calls with this name came before. */
  readonly before: number;
}

/** What to answer: `body` with 200 unless told. */
export interface Answer {
  readonly status?: number;
  readonly body?: object;
  readonly headers?: Record<string, string>;

  /** Break the connection instead: the work was done, the answer got lost. */
  readonly lost?: boolean;
}

type Handler = (call: Call) => Answer;

const ENDPOINTS: Readonly<Record<string, string>> = {
  artifactregistry: "GOOGLE_ARTIFACT_REGISTRY_CUSTOM_ENDPOINT=v1/",
  cloudbuild: "GOOGLE_CLOUD_BUILD_CUSTOM_ENDPOINT=v1/",
  cloudresourcemanager: "GOOGLE_RESOURCE_MANAGER_CUSTOM_ENDPOINT=v1/",
  compute: "GOOGLE_COMPUTE_CUSTOM_ENDPOINT=compute/v1/",
  iam: "GOOGLE_IAM_CUSTOM_ENDPOINT=v1/",
  logging: "GOOGLE_LOGGING_CUSTOM_ENDPOINT=v2/",
  run: "GOOGLE_CLOUD_RUN_V2_CUSTOM_ENDPOINT=v2/",
  secretmanager: "GOOGLE_SECRET_MANAGER_CUSTOM_ENDPOINT=v1/",
  serviceusage: "GOOGLE_SERVICE_USAGE_CUSTOM_ENDPOINT=v1/",
};

/**
 * Google's APIs on loopback, each test giving the answers. A call that Google's
 * discovery document does not allow (unknown path, parameter or field, wrong
 * type), an answer that it does not, or a call without a handler fails the test
 * in {@link GoogleApiServer.close}.
 */
export class GoogleApiServer {
  readonly calls: Call[] = [];
  private readonly problems: string[] = [];
  private readonly handlers = new Map<string, Handler>();
  private static readonly documents = new Map<string, Discovery>();

  private constructor(private readonly server: Server) {}

  static async start(): Promise<GoogleApiServer> {
    const http = createServer();
    const server = new GoogleApiServer(http);
    http.on("request", (request, response) => {
      void server.answer(request).then(({ status, body, headers, lost }) => {
        if (lost) return request.socket.destroy();
        response.writeHead(status ?? 200, {
          "content-type": "application/json",
          ...headers,
        });
        return response.end(JSON.stringify(body ?? {}));
      });
    });
    await new Promise<void>((ready) => http.listen(0, "127.0.0.1", ready));
    return server;
  }

  get origin(): string {
    return `http://127.0.0.1:${(this.server.address() as AddressInfo).port}`;
  }

  /** The environment that sends a script here instead of to Google. */
  get env(): NodeJS.ProcessEnv {
    const endpoints = Object.entries(ENDPOINTS).map(([service, setting]) => {
      const [name, version] = setting.split("=") as [string, string];
      return [name, `${this.origin}/${service}/${version}`];
    });
    return {
      ...Object.fromEntries(endpoints),
      GOOGLE_STORAGE_CUSTOM_ENDPOINT: `${this.origin}/storage/v1/`,
      GOOGLE_OAUTH_ACCESS_TOKEN: "test-token",
    };
  }

  /** Sets the answer to a method, by its name in the discovery document. */
  on(id: string, handler: Handler): this {
    this.handlers.set(id, handler);
    return this;
  }

  /** Calls of one method so far. */
  callsOf(id: string): Call[] {
    return this.calls.filter((call) => call.id === id);
  }

  /** @throws what was wrong with any call or answer. */
  async close(): Promise<void> {
    this.server.closeAllConnections();
    await new Promise((closed) => this.server.close(closed));
    if (this.problems.length > 0) throw new Error(this.problems.join("\n"));
  }

  private async answer(request: IncomingMessage): Promise<Answer> {
    const chunks: Buffer[] = [];
    for await (const chunk of request) chunks.push(chunk as Buffer);
    const bytes = Buffer.concat(chunks);
    const url = new URL(request.url ?? "/", this.origin);
    const [first = "", ...rest] = url.pathname.slice(1).split("/");
    // Storage's own path starts with its name, and uploads lie at the root.
    const isStorage = ["storage", "upload"].includes(first);
    const discovery = this.document(isStorage ? "storage" : first);
    const path = isStorage ? url.pathname.slice(1) : rest.join("/");
    const name = `${request.method} ${url.pathname}`;
    const found = discovery?.find(request.method ?? "GET", path);
    if (!discovery || !found) return this.fail(`unknown call ${name}`);

    const { method, variables } = found;
    const isMedia = first === "upload";
    const body: unknown =
      bytes.length > 0 && !isMedia ? JSON.parse(bytes.toString()) : undefined;
    const problems = [
      ...discovery.queryProblems(method, url.searchParams),
      ...discovery.bodyProblems(method.request, body),
    ];
    if (problems.length > 0) {
      return this.fail(`${method.id}: ${problems.join("; ")}`);
    }
    const handler = this.handlers.get(method.id);
    if (!handler) return this.fail(`no answer set for ${method.id} (${name})`);
    const before = this.callsOf(method.id).length;
    const { id } = method;
    const { headers } = request;
    const query = url.searchParams;
    const call = { id, variables, query, headers, body, bytes, before };
    this.calls.push(call);
    return this.checked(discovery, method, call, handler(call));
  }

  /** Answers are checked too, so that no test invents a field. */
  private checked(
    discovery: Discovery,
    method: Method,
    call: Call,
    answer: Answer,
  ): Answer {
    if ((answer.status ?? 200) < 300 && call.query.get("alt") !== "media") {
      const wrong = discovery.bodyProblems(method.response, answer.body, true);
      if (wrong.length > 0) {
        return this.fail(`answer to ${method.id}: ${wrong.join("; ")}`);
      }
    }
    return answer;
  }

  private document(service: string): Discovery | undefined {
    if (service !== "storage" && !(service in ENDPOINTS)) return undefined;
    const known = GoogleApiServer.documents;
    if (!known.has(service)) known.set(service, new Discovery(service));
    return known.get(service);
  }

  private fail(problem: string): Answer {
    this.problems.push(problem);
    return { status: 400, body: { error: { message: problem } } };
  }
}

/** An error as Google's APIs put it. */
export function apiError(
  status: number,
  message: string,
  reason?: string,
): Answer {
  const details = reason
    ? [
        {
          "@type": "type.googleapis.com/google.rpc.ErrorInfo",
          reason,
          domain: "googleapis.com",
        },
      ]
    : [];
  return { status, body: { error: { code: status, message, details } } };
}
