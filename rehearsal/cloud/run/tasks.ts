import { ApiError } from "../api-error";
import type { Handlers } from "../call";
import type { Cloud } from "../cloud";
import { nextNumber, shortName, timestamp } from "../identifiers";
import { queriedPage } from "../page-of";
import type { Json } from "../state";
import { condition } from "./condition";
import { protoJson } from "./proto-json";

/** @see https://cloud.google.com/run/docs/reference/rest/v2/projects.locations.jobs.executions.tasks */
export const tasks: Handlers = {
  "run.projects.locations.jobs.executions.tasks.list": (call, cloud) => {
    const name = call.path["parent"]!;
    if (cloud.state.executions[name] === undefined) throw missing(name);
    const { items, next } = queriedPage(tasksOf(cloud, name), call, 100);
    return {
      ...(items.length > 0 ? { tasks: items.map(protoJson) } : {}),
      ...next,
    };
  },

  "run.projects.locations.jobs.executions.tasks.get": ({ path }, { state }) => {
    const task = state.tasks[path["name"]!];
    if (task === undefined) throw missing(path["name"]!);
    return protoJson(task);
  },
};

/** Of an execution, by their index. */
export function tasksOf({ state }: Cloud, execution: string): Json[] {
  return Object.values(state.tasks).filter(({ name }) =>
    name.startsWith(`${execution}/tasks/`),
  );
}

export function deleteTasks(cloud: Cloud, execution: string): void {
  for (const { name } of tasksOf(cloud, execution)) {
    delete cloud.state.tasks[name];
  }
}

/** Writes down the tasks of an execution that begins. */
export function addTasks({ state }: Cloud, execution: Json): Json[] {
  const { name, job, taskCount, template, labels, logUri } = execution;
  return Array.from({ length: taskCount }, (_, index) => {
    const task: Json = {
      name: `${name}/tasks/${shortName(name)}-task${index}`,
      uid: String(nextNumber()),
      generation: "1",
      observedGeneration: "1",
      execution: shortName(name),
      job,
      index,
      labels,
      createTime: timestamp(),
      scheduledTime: timestamp(),
      updateTime: timestamp(),
      // A task has the fields of its template, not the template.
      ...template,
      logUri,
      conditions: [condition("Completed", "PENDING")],
    };
    state.tasks[task["name"]] = task;
    return task;
  });
}

function missing(name: string): ApiError {
  return new ApiError(404, `Resource ${name} does not exist.`);
}
