import type { Row, Timeline } from "./timeline";

/** Where the time of an apply's critical path went, in ms. */
export interface Breakdown {
  readonly whole: number;

  /** Before the first step: Terraform's start, its plan, the provider's. */
  readonly planning: number;

  /** In resources of the provider. */
  readonly provider: number;

  /** In provisioners, which waited for an answer of an API. */
  readonly asking: number;

  /** In provisioners, between questions about what was not done. */
  readonly pausing: number;

  /** In provisioners' own programs: what the stack adds. */
  readonly own: number;

  /** Of `own`, before the first question. */
  readonly startUp: number;

  /** Of `own`, with a processor. */
  readonly cpu: number;

  /** Between steps and after the last: Terraform's own work, and waits for one of its ten places. */
  readonly terraform: number;
}

export function breakdown(timeline: Timeline): Breakdown {
  const path = timeline.path.map((index) => timeline.rows[index]!);
  const sum = (value: (row: Row) => number) =>
    path.reduce((total, row) => total + value(row), 0);
  const whole = timeline.ended - timeline.began;
  const planning = (path[0]?.began ?? timeline.ended) - timeline.began;
  const asking = sum(({ time }) => time?.asking ?? 0);
  const pausing = sum(({ time }) => time?.pausing ?? 0);
  // Without a clock a provisioner counts as the stack's own work: never less than there was.
  const own = sum(
    ({ time, provisioner }) =>
      time?.own ?? (provisioner ? provisioner.ended - provisioner.began : 0),
  );
  const steps = sum(({ began, ended }) => ended - began);
  return {
    whole,
    planning,
    asking,
    pausing,
    own,
    startUp: sum(({ time }) => time?.startUp ?? 0),
    cpu: sum(({ time }) => time?.cpu ?? 0),
    provider: steps - asking - pausing - own,
    terraform: whole - planning - steps,
  };
}
