import { rmSync } from "node:fs";
import { join } from "node:path";
import type { CloneCloud } from "../interruptions/clone-cloud";
import type { FaultCase } from "./fault-case";

/** Of this process: recover refuses while Terraform works on the same state, also for another rehearsal. */
const own = (name: string) => `${name}-${process.pid}`;

const FULL = own("full-from-the-start");

/** Nothing more can be stored in a bucket until somebody makes room. */
const fill =
  (bucket: string) =>
  ({ cloud }: CloneCloud): void =>
    cloud.faults.add({
      method: "storage.objects.insert",
      about: bucket,
      kind: "full",
      times: Infinity,
    });

/** An apply whose state is not saved any more from some moment on. */
const becomesFull = (bucket: string, printed: RegExp) => ({
  stateBucket: bucket,
  faults: [],
  once: { printed, act: fill(bucket) },
  ends: "to recover" as const,
});

/** What goes wrong with the bucket that Terraform's state lies in. */
export const STATE_CASES: readonly FaultCase[] = [
  {
    name: "state: its bucket is full from the start",
    stateBucket: FULL,
    faults: [],
    prepare: fill(FULL),
    prints: [
      /writing "gs:\S+tflock" failed: .*storage quota has been exceeded/,
    ],
    ends: "failed",
  },
  {
    ...becomesFull(
      own("full-among-accounts"),
      /service_account\S+: Still creating/,
    ),
    name: "state: its bucket becomes full among accounts and buckets",
    prints: [/left it in \S+errored\.tfstate\. Mend .* npm run recover/],
    impatient: true,
  },
  {
    ...becomesFull(own("full-in-the-training"), /started execution/),
    name: "state: its bucket becomes full while a model is trained",
    prints: [/left it in \S+errored\.tfstate\. Mend .* npm run recover/],
    impatient: true,
  },
  {
    ...becomesFull(
      own("full-and-lost"),
      /google_cloud_run_v2_job\S+: Creating/,
    ),
    name: "state: its bucket becomes full, and the machine with the rest is gone",
    prints: [/errored\.tfstate/],
    then: ({ stack }) => rmSync(join(stack, "errored.tfstate")),
  },
];
