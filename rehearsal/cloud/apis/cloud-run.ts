import type { Handlers } from "../call";
import { executions } from "../run/executions";
import { jobs } from "../run/jobs";
import { revisions } from "../run/revisions";
import { services } from "../run/services";
import { tasks } from "../run/tasks";

export const cloudRun: Handlers = {
  ...jobs,
  ...executions,
  ...tasks,
  ...services,
  ...revisions,
};
