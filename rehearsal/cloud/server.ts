import { createReadStream } from "node:fs";
import {
  createServer,
  type IncomingMessage,
  type Server,
  type ServerResponse,
} from "node:http";
import type { AddressInfo } from "node:net";
import { pipeline } from "node:stream/promises";
import { ApiError } from "./api-error";
import { type Answer, RawAnswer } from "./call";
import { Cloud } from "./cloud";
import type { CloudSettings } from "./cloud-settings";
import { dispatch } from "./dispatch";
import { ConnectionLost } from "./faults";
import { dockerStep } from "./build/docker-step";
import { tokenEndpoint } from "./token-endpoint";
import { page } from "./page/page";
import { xmlMultipart } from "./storage/xml-multipart";
import { xmlRead } from "./storage/xml-read";

/** One request, for whoever looks on. */
export interface RequestRecord {
  readonly at: number;
  readonly method: string;
  readonly path: string;
  readonly status: number;

  /** Why it was refused. */
  readonly message?: string;
}

const RECORDS = 5000;

/** The local cloud behind HTTP on loopback. */
export class CloudServer {
  readonly requests: RequestRecord[] = [];

  private constructor(
    readonly cloud: Cloud,
    private readonly http: Server,
  ) {}

  /**
   * @param port - 0 for any that is free
   * @throws an error with the code EADDRINUSE when the port is taken
   */
  static async start(settings: CloudSettings, port = 0): Promise<CloudServer> {
    const http = createServer({ requestTimeout: 0 });
    const server = new CloudServer(new Cloud(settings), http);
    http.on("request", (request, response) => {
      void server.serve(request, response);
    });
    await new Promise<void>((resolve, reject) => {
      http.once("error", reject);
      http.listen(port, "127.0.0.1", resolve);
    });
    const { port: actual } = http.address() as AddressInfo;
    server.cloud.origin = `http://127.0.0.1:${actual}`;
    return server;
  }

  async close(): Promise<void> {
    await this.cloud.close();
    this.http.closeAllConnections();
    await new Promise((closed) => this.http.close(closed));
  }

  private async serve(
    request: IncomingMessage,
    response: ServerResponse,
  ): Promise<void> {
    const url = new URL(request.url ?? "/", this.cloud.origin);
    let message: string | undefined;
    try {
      await send(response, await this.answer(request, url));
    } catch (error) {
      message = (error as Error).message;
      if (error instanceof ConnectionLost) {
        if (error.reset) request.socket.resetAndDestroy();
        else request.socket.destroy();
        return;
      }
      // What is half sent cannot be taken back.
      if (response.headersSent) {
        response.destroy();
      } else {
        await send(response, refusal(error));
      }
    }
    // The page's own questions would fill its list.
    if (url.pathname === "/" || url.pathname.startsWith("/page/")) return;
    this.requests.push({
      at: Date.now(),
      method: request.method ?? "GET",
      path: url.pathname,
      status: response.statusCode,
      ...(message === undefined ? {} : { message }),
    });
    this.requests.splice(0, this.requests.length - RECORDS);
  }

  private async answer(request: IncomingMessage, url: URL): Promise<Answer> {
    const [first = ""] = url.pathname.slice(1).split("/");
    if (first === "oauth2") {
      return tokenEndpoint(this.cloud, request, url);
    }
    if (first === "docker") {
      return dockerStep(this.cloud, request);
    }
    return (
      page(this, request, url) ??
      (await xmlMultipart(this.cloud, request, url)) ??
      xmlRead(this.cloud, request, url) ??
      dispatch(this.cloud, request, url)
    );
  }
}

function refusal(error: unknown): RawAnswer {
  const known =
    error instanceof ApiError
      ? error
      : new ApiError(500, `Internal error: ${(error as Error).stack}`);
  const body = Buffer.from(JSON.stringify(known.body));
  return new RawAnswer(
    known.code,
    { "content-type": "application/json; charset=UTF-8", ...known.headers },
    body,
  );
}

async function send(response: ServerResponse, answer: Answer): Promise<void> {
  if (!(answer instanceof RawAnswer)) {
    const body = Buffer.from(
      answer === undefined ? "" : JSON.stringify(answer),
    );
    response.writeHead(answer === undefined ? 204 : 200, {
      ...(answer === undefined
        ? {}
        : {
            "content-type": "application/json; charset=UTF-8",
            "content-length": body.length,
          }),
    });
    response.end(body);
    return;
  }
  const { status, headers, content } = answer;
  if (content === undefined || Buffer.isBuffer(content)) {
    const length = content?.length ?? 0;
    response.writeHead(status, {
      "content-length": length,
      ...headers,
    });
    response.end(content);
    return;
  }
  const { file, start, end } = content;
  response.writeHead(status, {
    "content-length": end - start + 1,
    ...headers,
  });
  await pipeline(createReadStream(file, { start, end }), response);
}
