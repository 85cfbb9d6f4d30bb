import { ApiError } from "../api-error";
import type { Call, Handlers } from "../call";
import type { Cloud } from "../cloud";
import { etag, nextNumber, shortName, timestamp } from "../identifiers";
import type { Json } from "../state";
import { condition } from "./condition";
import { setDefaults } from "./defaults";
import { cancelExecution, execute } from "./execute-job";
import { requireOverrides } from "./overrides";
import { protoJson } from "./proto-json";
import { queriedPage } from "../page-of";
import { requireSpoken } from "./not-spoken";
import { accountEmail } from "./reference-rules";
import { checkId, masked, requireEtag, resource } from "./resource";
import { readSecrets } from "./secrets";
import { pullImage, requireActAs } from "./start-checks";
import { deleteTasks } from "./tasks";
import { labelProblems, templateProblems } from "./template-rules";

const TYPE = "type.googleapis.com/google.cloud.run.v2.Job";

/** @see https://cloud.google.com/run/docs/reference/rest/v2/projects.locations.jobs */
export const jobs: Handlers = {
  "run.projects.locations.jobs.list": (call, { state }) => {
    const found = Object.values(state.jobs).filter(({ name }) =>
      name.startsWith(`${call.path["parent"]}/`),
    );
    const { items, next } = queriedPage(found, call, 100);
    return {
      ...(items.length > 0 ? { jobs: items.map(protoJson) } : {}),
      ...next,
    };
  },

  "run.projects.locations.jobs.create": (call, cloud) => {
    const id = checkId("job", call.query.get("jobId"));
    const name = `${call.path["parent"]}/jobs/${id}`;
    if (cloud.state.jobs[name]) {
      throw new ApiError(409, `Resource '${id}' already exists.`);
    }
    return save(call, cloud, name, call.body, {});
  },

  "run.projects.locations.jobs.get": ({ path }, cloud) =>
    protoJson(job(cloud, path["name"]!)),

  "run.projects.locations.jobs.patch": (call, cloud) => {
    const name = call.path["name"]!;
    const isNew =
      call.query.get("allowMissing") === "true" && !cloud.state.jobs[name];
    const present = isNew ? {} : job(cloud, name);
    if (isNew) checkId("job", shortName(name));
    requireEtag(present, call.body["etag"]);
    const asked = masked(present, call.body, call.query.get("updateMask"));
    return save(call, cloud, name, asked, present);
  },

  "run.projects.locations.jobs.delete": ({ path, query }, cloud) => {
    const found = job(cloud, path["name"]!);
    requireEtag(found, query.get("etag"));
    const { name } = found;
    const parent = name.split("/").slice(0, 4).join("/");
    return cloud.operations.start(parent, typed(found), async () => {
      await Promise.all(
        executionsOf(cloud, name).map((execution) =>
          cancelExecution(cloud, execution["name"]),
        ),
      );
      delete cloud.state.jobs[name];
      for (const { name: execution } of executionsOf(cloud, name)) {
        delete cloud.state.executions[execution];
        deleteTasks(cloud, execution);
      }
      cloud.access.delete(name);
      return typed(found);
    });
  },

  "run.projects.locations.jobs.run": (call, cloud) => {
    const found = job(cloud, call.path["name"]!);
    requireEtag(found, call.body["etag"]);
    const { overrides } = call.body;
    if (overrides) requireOverrides(cloud, call.principal, found["name"]);
    return execute(cloud, found, overrides ?? {});
  },

  "run.projects.locations.jobs.getIamPolicy": ({ path }, cloud) => ({
    ...cloud.access.policy(job(cloud, path["resource"]!)["name"]),
  }),

  "run.projects.locations.jobs.setIamPolicy": ({ path, body }, cloud) => ({
    ...cloud.access.setPolicy(
      job(cloud, path["resource"]!)["name"],
      body["policy"] ?? {},
    ),
  }),
};

/** @throws ApiError if there is none */
export function job({ state }: Cloud, name: string): Json {
  const found = state.jobs[name];
  if (found === undefined) {
    const [, project, , region] = name.split("/");
    throw new ApiError(
      404,
      `Resource '${shortName(name)}' of kind 'JOB' in region '${region}' in project '${project}' does not exist.`,
    );
  }
  return found;
}

/** The newest first. */
export function executionsOf({ state }: Cloud, name: string): Json[] {
  return Object.values(state.executions)
    .filter((execution) => execution["name"].startsWith(`${name}/`))
    .reverse();
}

function save(
  call: Call,
  cloud: Cloud,
  name: string,
  asked: Json,
  present: Json,
): Json {
  const template = structuredClone(asked["template"]);
  complete(cloud, template);
  const problems = [
    ...labelProblems(asked),
    ...templateProblems("job", template.template),
    ...(Number(template.taskCount) > 10_000
      ? ["task_count: Must be a number between 0 and 10000."]
      : []),
  ];
  if (problems.length > 0) {
    throw new ApiError(400, problems.join("\n"));
  }
  const { template: inner } = template;
  inner.serviceAccount = accountEmail(
    inner.serviceAccount,
    cloud.settings.project,
  );
  requireSpoken("job", inner);
  requireActAs(cloud, call.principal, inner.serviceAccount);
  readSecrets(cloud, inner);
  const saved: Json = {
    ...resource(cloud, name, asked, present),
    template: protoJson(template),
    executionCount: present["executionCount"] ?? 0,
    latestCreatedExecution: present["latestCreatedExecution"],
    terminalCondition: condition("Ready", "RECONCILING"),
    etag: `"${etag()}"`,
    uid: present["uid"] ?? String(nextNumber()),
  };
  if (call.query.get("validateOnly") === "true") {
    return {
      name: "",
      metadata: typed(saved),
      done: true,
      response: typed(saved),
    };
  }
  cloud.state.jobs[name] = saved;
  const parent = name.split("/").slice(0, 4).join("/");
  return cloud.operations.start(parent, typed(saved), () => {
    try {
      for (const { image } of template.template.containers) {
        pullImage(cloud, image);
      }
    } catch (error) {
      const { message } = error as Error;
      saved["terminalCondition"] = condition("Ready", "FAILED", { message });
      throw error;
    }
    saved["terminalCondition"] = condition("Ready", "SUCCEEDED");
    saved["conditions"] = [condition("ResourcesAvailable", "SUCCEEDED")];
    saved["updateTime"] = timestamp();
    return typed(saved);
  });
}

/** What Cloud Run sets where nothing is said. */
function complete({ settings }: Cloud, template: Json): void {
  template["taskCount"] ??= 1;
  const inner = template["template"];
  inner.maxRetries ??= 3;
  inner.timeout ??= "600s";
  inner.executionEnvironment ??= "EXECUTION_ENVIRONMENT_GEN2";
  setDefaults(settings, inner);
}

function typed(resource: Json): Json {
  return { "@type": TYPE, ...protoJson(resource) };
}
