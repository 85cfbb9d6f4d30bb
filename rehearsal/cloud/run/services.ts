import { ApiError } from "../api-error";
import type { Call, Handlers } from "../call";
import type { Cloud } from "../cloud";
import { etag, nextNumber, shortName } from "../identifiers";
import type { Json } from "../state";
import { condition } from "./condition";
import { deploy } from "./deploy-service";
import { protoJson } from "./proto-json";
import { requireServiceQuota } from "./quota";
import { queriedPage } from "../page-of";
import { requireSpoken } from "./not-spoken";
import { setDefaults } from "./defaults";
import { accountEmail } from "./reference-rules";
import { checkId, masked, requireEtag, resource } from "./resource";
import { LATEST } from "./service-fronts";
import { serviceJson, typed } from "./service-json";
import { readSecrets } from "./secrets";
import { requireActAs } from "./start-checks";
import { labelProblems, templateProblems } from "./template-rules";
import { trafficProblems } from "./traffic-rules";

/** @see https://cloud.google.com/run/docs/reference/rest/v2/projects.locations.services */
export const services: Handlers = {
  "run.projects.locations.services.list": (call, { state }) => {
    const found = Object.values(state.services).filter(({ name }) =>
      name.startsWith(`${call.path["parent"]}/`),
    );
    const { items, next } = queriedPage(found, call, 100);
    return {
      ...(items.length > 0 ? { services: items.map(serviceJson) } : {}),
      ...next,
    };
  },

  "run.projects.locations.services.create": (call, cloud) => {
    const id = checkId("service", call.query.get("serviceId"));
    const name = `${call.path["parent"]}/services/${id}`;
    if (cloud.state.services[name]) {
      throw new ApiError(409, `Resource '${id}' already exists.`);
    }
    return save(call, cloud, name, call.body, {});
  },

  "run.projects.locations.services.get": ({ path }, cloud) =>
    serviceJson(service(cloud, path["name"]!)),

  "run.projects.locations.services.patch": (call, cloud) => {
    const name = call.path["name"]!;
    const isNew =
      call.query.get("allowMissing") === "true" && !cloud.state.services[name];
    const present = isNew ? {} : service(cloud, name);
    if (isNew) checkId("service", shortName(name));
    requireEtag(present, call.body["etag"]);
    const asked = masked(present, call.body, call.query.get("updateMask"));
    return save(call, cloud, name, asked, present);
  },

  "run.projects.locations.services.delete": ({ path, query }, cloud) => {
    const found = service(cloud, path["name"]!);
    requireEtag(found, query.get("etag"));
    const { name } = found;
    const parent = name.split("/").slice(0, 4).join("/");
    return cloud.operations.start(parent, typed(found), async () => {
      await cloud.fronts.remove(name);
      delete cloud.state.services[name];
      for (const revision of Object.keys(cloud.state.revisions)) {
        if (revision.startsWith(`${name}/`))
          delete cloud.state.revisions[revision];
      }
      cloud.access.delete(name);
      return typed(found);
    });
  },

  "run.projects.locations.services.getIamPolicy": ({ path }, cloud) => ({
    ...cloud.access.policy(service(cloud, path["resource"]!)["name"]),
  }),

  "run.projects.locations.services.setIamPolicy": ({ path, body }, cloud) => ({
    ...cloud.access.setPolicy(
      service(cloud, path["resource"]!)["name"],
      body["policy"] ?? {},
    ),
  }),
};

function service({ state }: Cloud, name: string): Json {
  const found = state.services[name];
  if (found === undefined) {
    const [, project, , region] = name.split("/");
    throw new ApiError(
      404,
      `Resource '${shortName(name)}' of kind 'SERVICE' in region '${region}' in project '${project}' does not exist.`,
    );
  }
  return found;
}

async function save(
  call: Call,
  cloud: Cloud,
  name: string,
  asked: Json,
  present: Json,
): Promise<Json> {
  const template = structuredClone(asked["template"]);
  complete(cloud, template);
  const problems = [
    ...labelProblems(asked),
    ...templateProblems("service", template),
    ...(asked["traffic"]?.length > 0
      ? trafficProblems(
          name,
          asked["traffic"],
          Object.keys(cloud.state.revisions),
          template.revision,
        )
      : []),
  ];
  if (problems.length > 0) {
    throw new ApiError(400, problems.join("\n"));
  }
  requireServiceQuota(cloud.settings, asked["template"]);
  template.serviceAccount = accountEmail(
    template.serviceAccount,
    cloud.settings.project,
  );
  requireSpoken("service", template);
  requireActAs(cloud, call.principal, template.serviceAccount);
  readSecrets(cloud, template);
  const saved: Json = {
    ...resource(cloud, name, asked, present),
    ingress: asked["ingress"] ?? "INGRESS_TRAFFIC_ALL",
    template: protoJson(template),
    scaling: asked["scaling"] ?? {},
    traffic:
      asked["traffic"]?.length > 0
        ? asked["traffic"]
        : [{ type: LATEST, percent: 100 }],
    uid: present["uid"] ?? String(nextNumber()),
    etag: `"${etag()}"`,
    latestReadyRevision: present["latestReadyRevision"],
    latestCreatedRevision: present["latestCreatedRevision"],
    terminalCondition: condition("Ready", "RECONCILING"),
    reconciling: true,
  };
  if (call.query.get("validateOnly") === "true") {
    return {
      name: "",
      metadata: typed(saved),
      done: true,
      response: typed(saved),
    };
  }
  const uri = await cloud.fronts.open(name);
  Object.assign(saved, { uri, urls: [uri] });
  cloud.state.services[name] = saved;
  const parent = name.split("/").slice(0, 4).join("/");
  return cloud.operations.start(parent, typed(saved), () =>
    deploy(cloud, saved, present),
  );
}

/** What Cloud Run sets where nothing is said. */
function complete({ settings }: Cloud, template: Json): void {
  template["timeout"] ??= "300s";
  template["maxInstanceRequestConcurrency"] ??= 80;
  template["scaling"] = { maxInstanceCount: 100, ...template["scaling"] };
  for (const container of template["containers"] ?? []) {
    container.ports ??= [{ name: "http1", containerPort: 8080 }];
  }
  setDefaults(settings, template);
}
