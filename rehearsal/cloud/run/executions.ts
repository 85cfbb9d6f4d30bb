import { ApiError } from "../api-error";
import type { Handlers } from "../call";
import type { Cloud } from "../cloud";
import { queriedPage } from "../page-of";
import type { Json } from "../state";
import { cancelExecution } from "./execute-job";
import { executionsOf, job } from "./jobs";
import { protoJson } from "./proto-json";
import { deleteTasks } from "./tasks";

/** @see https://cloud.google.com/run/docs/reference/rest/v2/projects.locations.jobs.executions */
export const executions: Handlers = {
  "run.projects.locations.jobs.executions.list": (call, cloud) => {
    const all = executionsOf(cloud, job(cloud, call.path["parent"]!)["name"]);
    const { items, next } = queriedPage(all, call, 100);
    return {
      ...(items.length > 0 ? { executions: items.map(protoJson) } : {}),
      ...next,
    };
  },

  "run.projects.locations.jobs.executions.get": ({ path }, cloud) =>
    protoJson(execution(cloud, path["name"]!)),

  "run.projects.locations.jobs.executions.cancel": ({ path }, cloud) =>
    ending(cloud, execution(cloud, path["name"]!), () => undefined),

  "run.projects.locations.jobs.executions.delete": ({ path }, cloud) =>
    ending(cloud, execution(cloud, path["name"]!), ({ name }) => {
      delete cloud.state.executions[name];
      deleteTasks(cloud, name);
    }),

  "run.projects.locations.operations.get": ({ path }, { operations }) =>
    operations.get(path["name"]!),

  "run.projects.locations.operations.wait": ({ path, body }, { operations }) =>
    operations.wait(
      path["name"]!,
      Math.min(Number.parseFloat(body["timeout"] ?? "30s"), 120),
    ),
};

function execution({ state }: Cloud, name: string): Json {
  const found = state.executions[name];
  if (found === undefined) {
    throw new ApiError(404, `Resource ${name} does not exist.`);
  }
  return found;
}

function ending(
  cloud: Cloud,
  found: Json,
  after: (execution: Json) => void,
): Json {
  const { project, region } = cloud.settings;
  const response = {
    "@type": "type.googleapis.com/google.cloud.run.v2.Execution",
    ...protoJson(found),
  };
  return cloud.operations.start(
    `projects/${project}/locations/${region}`,
    response,
    async () => {
      await cancelExecution(cloud, found["name"]);
      after(found);
      return response;
    },
  );
}
