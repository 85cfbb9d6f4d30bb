import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import type { Cloud } from "../cloud";

/**
 * The metadata server that one container sees: who it is, and tokens of its account.
 *
 * @see https://cloud.google.com/run/docs/container-contract#metadata-server
 */
export class MetadataServer {
  private constructor(private readonly server: Server) {}

  static async start(cloud: Cloud, account: string): Promise<MetadataServer> {
    const server = createServer((request, response) => {
      const url = new URL(
        request.url ?? "/",
        "http://metadata.google.internal",
      );
      const isAllowed =
        url.pathname === "/" || request.headers["metadata-flavor"] === "Google";
      const answer = isAllowed ? answerTo(cloud, account, url) : undefined;
      const isJson = typeof answer === "object";
      response.writeHead(answer === undefined ? (isAllowed ? 404 : 403) : 200, {
        "metadata-flavor": "Google",
        server: "Metadata Server for Serverless",
        "content-type": isJson ? "application/json" : "application/text",
      });
      response.end(isJson ? JSON.stringify(answer) : answer);
    });
    await new Promise<void>((ready) => server.listen(0, "127.0.0.1", ready));
    server.unref();
    return new MetadataServer(server);
  }

  /** For GCE_METADATA_HOST. */
  get host(): string {
    return `127.0.0.1:${(this.server.address() as AddressInfo).port}`;
  }

  async close(): Promise<void> {
    this.server.closeAllConnections();
    await new Promise((closed) => this.server.close(closed));
  }
}

function answerTo(
  { settings, tokens }: Cloud,
  account: string,
  { pathname, searchParams }: URL,
): object | string | undefined {
  const path = pathname
    .replace(/^\/computeMetadata\/v1\//, "")
    .replace(/\/$/, "");
  const accountPath = path.replace(
    new RegExp(
      `^instance/service-accounts/(default|${account.replace(/[.@]/g, "\\$&")})`,
    ),
    "account",
  );
  switch (accountPath) {
    case "/":
    case "":
    case "/computeMetadata/v1":
      return "computeMetadata/\n";
    case "project/project-id":
      return settings.project;
    case "project/numeric-project-id":
      return settings.projectNumber;
    case "instance/region":
      return `projects/${settings.projectNumber}/regions/${settings.region}`;
    case "universe/universe-domain":
      return "googleapis.com";
    case "account":
      return {
        aliases: ["default"],
        email: account,
        scopes: ["https://www.googleapis.com/auth/cloud-platform"],
      };
    case "account/email":
      return account;
    case "account/scopes":
      return "https://www.googleapis.com/auth/cloud-platform\n";
    case "account/token":
      return {
        access_token: tokens.accessToken(`serviceAccount:${account}`),
        expires_in: 3599,
        token_type: "Bearer",
      };
    case "account/identity": {
      const audience = searchParams.get("audience");
      return audience ? tokens.identityToken(account, audience) : undefined;
    }
    default:
      return undefined;
  }
}
