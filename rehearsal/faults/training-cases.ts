import type { FaultCase } from "./fault-case";

/** Of an execution: a first one and three retries. */
const ATTEMPTS = 4;

const STARTED = /started execution/;

/** A training whose attempts all end so. */
const training = (
  kind: string,
  shows: RegExp,
  attempts = ATTEMPTS,
): FaultCase => ({
  name: `training: ${kind}`,
  faults: [`training=${kind}*${attempts}`],
  prints: [shows],
  ends: "failed",
  failedExecutions: 1,
});

/** What goes wrong with a training, and with the calls about it. */
export const TRAINING_CASES: readonly FaultCase[] = [
  training("memory", /out of memory.*What to do: raise training\.memory/),
  training("timeout", /came no further than the one before\. What to do: /),
  training("exit-1", /exit code 1\. What to do: the lines above say why/),
  training("exit-2", /refused its settings \(exit code 2\)\. What to do: /),
  training("exit-3", /below the bar \(exit code 3\)\. What to do: /),
  training("exit-75", /was interrupted .* came no further.*What to do: /),
  training("quota", /no quota: .*What to do: ask for it at /, 1),
  training("capacity", /has no free nvidia-l4.*What to do: /, 1),
  {
    name: "training: the bucket is full",
    faults: [],
    once: {
      printed: STARTED,
      act: ({ cloud }) =>
        cloud.faults.add({
          method: "storage.objects.insert",
          kind: "full",
          times: ATTEMPTS,
        }),
    },
    prints: [
      /The storage quota has been exceeded/,
      /bucket takes no more \(exit code 1\)\. What to do: delete/,
    ],
    ends: "failed",
    failedExecutions: 1,
  },
  {
    name: "training: never ends, until somebody cancels it",
    faults: ["training=endless"],
    once: {
      printed: STARTED,
      act: (cloud) => cloud.cancelExecutions(),
    },
    prints: [/somebody cancelled the execution\. What to do: deploy again/],
    ends: "failed",
    failedExecutions: 1,
  },
  {
    name: "training: refusals and resets of the calls about it",
    faults: [
      "run.*.jobs.run=429*2",
      "run.*.jobs.run=503",
      "run.*.executions.list=429",
      "run.*.executions.list=reset",
      "run.*.executions.get=503",
      "run.*.executions.get=reset",
      "run.*.executions.get=lost",
    ],
    prints: [/no clear answer to the start .*looking whether it started/],
    ends: "well",
  },
  {
    name: "training: a lost answer to its start",
    faults: ["run.*.jobs.run=lost"],
    prints: [/no clear answer to the start .*looking whether it started/],
    ends: "well",
  },
  {
    name: "training: the operation of its start never ends",
    faults: ["run.*.jobs.run=endless"],
    ends: "well",
  },
  {
    name: "training: ten minutes pass at its start",
    faults: ["run.*.jobs.run=stall"],
    prints: [/no clear answer to the start .*looking whether it started/],
    ends: "well",
  },
  {
    name: "training: the token expires meanwhile",
    faults: [],
    once: { printed: STARTED, act: (cloud) => cloud.expireToken() },
    prints: [
      /export a new one, .*what already runs in the cloud goes on, and the next deploy attaches to it/,
    ],
    ends: "failed",
  },
];
