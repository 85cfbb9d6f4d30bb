import {
  createServer,
  type IncomingHttpHeaders,
  type IncomingMessage,
  request as httpRequest,
  type Server,
  type ServerResponse,
} from "node:http";
import type { AddressInfo } from "node:net";
import type { Cloud } from "../cloud";
import { GCLOUD_AUDIENCE } from "../iam/tokens";
import { frontPage } from "./front-page";
import type { RevisionInstance } from "./revision-instance";
import { StartFailure } from "./start-failure";

/** Where a share of the requests goes. */
export interface Target {
  readonly percent: number;
  readonly instance: RevisionInstance;
}

/** What listens at a service's address: lets in who may, and passes on to an instance. */
export class ServiceFront {
  targets: readonly Target[] = [];

  private constructor(
    private readonly cloud: Cloud,
    readonly service: string,
    private readonly server: Server,
  ) {}

  static async start(cloud: Cloud, service: string): Promise<ServiceFront> {
    const server = createServer();
    const front = new ServiceFront(cloud, service, server);
    server.on("request", (request, response) => {
      void front.serve(request, response);
    });
    await new Promise<void>((ready) => server.listen(0, "127.0.0.1", ready));
    return front;
  }

  get uri(): string {
    return `http://127.0.0.1:${(this.server.address() as AddressInfo).port}`;
  }

  async close(): Promise<void> {
    this.server.closeAllConnections();
    await new Promise((closed) => this.server.close(closed));
  }

  private async serve(request: IncomingMessage, response: ServerResponse) {
    const refused = this.refusal(request);
    if (refused !== undefined) {
      return frontPage(response, refused, request.url);
    }
    const instance = this.chosen();
    if (instance === undefined) {
      return frontPage(response, 404, request.url);
    }
    const template = this.cloud.state.services[this.service]?.["template"];
    const seconds = Number.parseFloat(template?.timeout ?? "300s");
    try {
      await instance.during((port) =>
        forward(request, response, port, seconds),
      );
    } catch (error) {
      if (response.headersSent) return response.destroy();
      const late = (error as Error).message === TIMED_OUT;
      const noPlace = error instanceof StartFailure && error.code === 429;
      frontPage(response, late ? 504 : noPlace ? 429 : 503);
    }
  }

  /** @see https://cloud.google.com/run/docs/authenticating/overview */
  private refusal({ headers }: IncomingMessage): 401 | 403 | undefined {
    const service = this.cloud.state.services[this.service];
    const may = (principal: string) =>
      this.cloud.access.allows(principal, "run.routes.invoke", this.service);
    if (service?.["invokerIamDisabled"] || may("anonymous")) {
      return undefined;
    }
    const header =
      headers["x-serverless-authorization"] ?? headers.authorization;
    const token = /^Bearer (.+)$/i.exec(String(header ?? ""))?.[1];
    if (token === undefined) return 403;
    const claims = this.cloud.tokens.verified(token);
    const audiences = [
      this.uri,
      `${this.uri}/`,
      ...(service?.["urls"] ?? []),
      ...(service?.["customAudiences"] ?? []),
    ];
    if (claims === undefined) return 401;
    const kind = claims.email.endsWith(".gserviceaccount.com")
      ? "serviceAccount"
      : "user";
    if (kind === "user") audiences.push(GCLOUD_AUDIENCE);
    if (!audiences.includes(claims.aud)) return 401;
    return may(`${kind}:${claims.email}`) ? undefined : 403;
  }

  private chosen(): RevisionInstance | undefined {
    let left = Math.random() * 100;
    for (const { percent, instance } of this.targets) {
      left -= percent;
      if (left < 0) return instance;
    }
    return this.targets.find(({ percent }) => percent > 0)?.instance;
  }
}

const TIMED_OUT = "the service's timeout";

/** A container sees who asks, but cannot use the token for itself. */
function passedOn(headers: IncomingHttpHeaders): IncomingHttpHeaders {
  const { "x-serverless-authorization": _, authorization, ...rest } = headers;
  return {
    ...rest,
    ...(authorization === undefined
      ? {}
      : {
          authorization: authorization.replace(
            /^(Bearer [\w-]+\.[\w-]+)\.[\w-]+$/i,
            "$1.SIGNATURE_REMOVED_BY_GOOGLE",
          ),
        }),
  };
}

function forward(
  request: IncomingMessage,
  response: ServerResponse,
  port: number,
  seconds: number,
): Promise<void> {
  return new Promise((resolve, reject) => {
    // It gave up while it waited for a place.
    if (response.destroyed) return resolve();
    const onward = httpRequest(
      {
        host: "127.0.0.1",
        port,
        // A connection each: a container may be about to close one that waits for the next request.
        agent: false,
        method: request.method,
        path: request.url,
        headers: passedOn(request.headers),
      },
      (answer) => {
        response.writeHead(answer.statusCode ?? 502, answer.headers);
        answer.pipe(response);
        answer.on("end", () => resolve());
        answer.on("error", reject);
      },
    );
    const timer = setTimeout(
      () => onward.destroy(new Error(TIMED_OUT)),
      seconds * 1000,
    );
    onward.on("close", () => clearTimeout(timer));
    onward.on("error", reject);
    response.on("close", () => onward.destroy());
    request.pipe(onward);
  });
}
