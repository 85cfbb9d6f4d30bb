import type { IncomingMessage } from "node:http";
import { ApiError } from "./api-error";
import type { Answer, Call } from "./call";
import type { Cloud } from "./cloud";
import { checkBody } from "./discovery/check-body";
import { checkMask } from "./discovery/check-mask";
import { checkQuery } from "./discovery/check-query";
import type { Discovery } from "./discovery/discovery";
import { HANDLERS } from "./handlers";
import { permissionOf, policyHolder } from "./permission";
import { requireQuotaProject } from "./quota-project";
import { resolveMethod } from "./resolve-method";
import type { Service } from "./services";

/** A call's way through the cloud: what it is, who calls, whether the API is on, what is asked. */
export async function dispatch(
  cloud: Cloud,
  request: IncomingMessage,
  url: URL,
): Promise<Answer> {
  const isUpload = /^\/(resumable\/)?upload\//.test(url.pathname);
  // The pieces of an upload that was begun come with PUT, which the document leaves out.
  const httpMethod = isUpload ? "POST" : (request.method ?? "GET");
  const { service, discovery, found } = resolveMethod(httpMethod, url);
  const principal = cloud.tokens.principal(request.headers.authorization);
  if (principal === undefined) {
    throw new ApiError(
      401,
      "Request had invalid authentication credentials. Expected OAuth 2 access token, login cookie or other valid authentication credential. See https://developers.google.com/identity/sign-in/web/devconsole-project.",
      { reason: "ACCESS_TOKEN_TYPE_UNSUPPORTED" },
    );
  }
  requireQuotaProject(cloud, service, principal, request.headers);
  requireEnabled(cloud, service, discovery);
  const { method, variables } = found;
  const query = checkQuery(
    discovery,
    method,
    isUpload ? withoutUploadParameters(url.searchParams) : url.searchParams,
  );
  const mask = query.get("updateMask");
  if (mask) query.set("updateMask", checkMask(discovery, method, mask));
  const billed = query.get("project");
  if (billed !== null) knownProject(cloud, "project", billed);
  const body = isUpload
    ? {}
    : checkBody(discovery, method, await json(request));
  const path = Object.fromEntries(
    Object.entries(variables).map(([name, value]) => [
      name,
      knownProject(cloud, name, value),
    ]),
  );
  const call: Call = {
    id: method.id,
    path,
    query: isUpload ? url.searchParams : query,
    body: (body ?? {}) as Call["body"],
    principal,
    request,
  };
  requirePermission(cloud, call);
  const handler = HANDLERS[method.id];
  if (handler === undefined) {
    throw new ApiError(
      501,
      `${method.id} is not spoken by this local cloud (docs/local-cloud.md).`,
    );
  }
  return cloud.faults.meet(method.id, () => handler(call, cloud), {
    about: Object.values(path),
    gone: () => request.socket.destroyed,
    hold: (operation) => cloud.operations.hold(operation),
  });
}

function requireEnabled(
  { state, settings }: Cloud,
  { name }: Service,
  { document }: Discovery,
): void {
  const since = state.apis[`${name}.googleapis.com`];
  const ready =
    since !== undefined && Date.now() - since >= settings.enableDelay * 1000;
  if (ready) {
    return;
  }
  const { projectNumber } = settings;
  throw new ApiError(
    403,
    `${document.title} has not been used in project ${projectNumber} before or it is disabled. Enable it by visiting https://console.developers.google.com/apis/api/${name}.googleapis.com/overview?project=${projectNumber} then retry. If you enabled this API recently, wait a few minutes for the action to propagate to our systems and retry.`,
    {
      reason: "SERVICE_DISABLED",
      metadata: {
        service: `${name}.googleapis.com`,
        consumer: `projects/${projectNumber}`,
      },
    },
  );
}

/** Storage decides by bucket and object itself. */
function requirePermission({ access }: Cloud, { id, path, principal }: Call) {
  if (id.startsWith("storage.")) {
    return;
  }
  const permission = permissionOf(id);
  if (permission === "") {
    return;
  }
  const name =
    path["name"] ?? path["resource"] ?? path["secret"] ?? path["parent"] ?? "";
  const resource = /^(projects|billingAccounts)\//.test(name)
    ? policyHolder(name)
    : access.project;
  if (!access.allows(principal, permission, resource)) {
    throw new ApiError(
      403,
      `Permission '${permission}' denied on resource '${resource}' (or it may not exist).`,
    );
  }
}

/** @throws ApiError for a project that is not this one */
function knownProject(
  { settings }: Cloud,
  name: string,
  value: string,
): string {
  const bare = ["project", "projectId"].includes(name);
  const inside = /^projects\/([^/]+)/.exec(value)?.[1];
  const given = bare ? value : inside;
  if (given === undefined || given === "-" || given === "_") {
    return value;
  }
  const { project, projectNumber } = settings;
  if (given !== project && given !== projectNumber) {
    throw new ApiError(403, `Permission denied on resource project ${given}.`, {
      reason: "CONSUMER_INVALID",
      metadata: { consumer: `projects/${given}` },
    });
  }
  return bare
    ? project
    : value.replace(/^projects\/[^/]+/, `projects/${project}`);
}

/** They belong to the upload and stand in no method's list. */
function withoutUploadParameters(query: URLSearchParams): URLSearchParams {
  const rest = new URLSearchParams(query);
  for (const name of ["uploadType", "upload_id", "upload_protocol"]) {
    rest.delete(name);
  }
  return rest;
}

async function json(request: IncomingMessage): Promise<unknown> {
  const chunks: Buffer[] = [];
  for await (const chunk of request) chunks.push(chunk as Buffer);
  const text = Buffer.concat(chunks).toString();
  if (text.trim() === "") {
    return undefined;
  }
  try {
    return JSON.parse(text);
  } catch (error) {
    throw new ApiError(
      400,
      `Invalid JSON payload received. ${(error as Error).message}`,
    );
  }
}
