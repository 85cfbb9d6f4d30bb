import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { CommandError } from "../../commands/command-line";
import { endProcessesWithThisOne } from "../local-process";
import { Clone } from "./clone";
import { type Interruption, type PointResult, runPoint } from "./point";
import { randomNumbers } from "./random";

const STATE_BUCKET = "local-project-terraform-state";

/** A series of points: how they are interrupted, and where the state lies. */
interface Series {
  readonly name: string;
  readonly interruptions: readonly Interruption[];
  readonly stateBucket?: string;
}

/** Points at the same time. */
const AT_ONCE = 3;

const KILLS = ["SIGKILL", "SIGKILL of Terraform"] as const;

const SERIES: readonly Series[] = [
  { name: "SIGINT, local state", interruptions: ["SIGINT"] },
  { name: "SIGKILL, local state", interruptions: KILLS },
  {
    name: "SIGKILL, state in Cloud Storage",
    interruptions: KILLS,
    stateBucket: STATE_BUCKET,
  },
];

/**
 * Interrupts `npm run deploy` at random points of an apply against a local cloud whose containers are
 * stubs, and requires that the next deploy (after SIGKILL: after `npm run recover`) finishes it.
 *
 * @param count - points of each series
 * @returns 0, or 1 when a point did not converge
 */
export async function interruptions(
  count: number,
  seed: number,
  series: string | undefined,
): Promise<number> {
  endProcessesWithThisOne();
  const folder = mkdtempSync(join(tmpdir(), "tuneserve-interruptions-"));
  const chosen = SERIES.filter(
    ({ name }) => series === undefined || name.includes(series),
  );
  if (chosen.length === 0) {
    throw new CommandError(
      `There is no series "${series}"; allowed: a part of ${SERIES.map(({ name }) => `"${name}"`).join(", ")}.`,
      2,
    );
  }
  let failed = 0;
  for (const [number, each] of chosen.entries()) {
    const clones = Array.from({ length: AT_ONCE }, (_, index) => {
      // Of its own: recover refuses while Terraform works on the same state.
      const bucket = each.stateBucket && `${each.stateBucket}-${index}`;
      return {
        clone: new Clone(
          join(folder, `series-${number}-${index}/clone`),
          bucket,
        ),
        folder: join(folder, `series-${number}-${index}/point`),
        ...(bucket ? { stateBucket: bucket } : {}),
      };
    });
    const whole = await runPoint({ ...clones[0]!, after: 0 });
    console.log(
      `${each.name}: ${count} points, seed ${seed}. Uninterrupted: ${whole.seconds.toFixed(0)} s`,
    );
    failed += said("uninterrupted", whole);
    const random = randomNumbers(seed);
    const points = Array.from({ length: count }, (_, index) => ({
      point: index + 1,
      interruption: each.interruptions[index % each.interruptions.length]!,
      after: random() * whole.seconds,
    }));
    // Most of an apply is the provider's own waits: some go side by side.
    await Promise.all(
      clones.map(async (place) => {
        for (let next = points.shift(); next; next = points.shift()) {
          const { point, interruption, after } = next;
          const result = await runPoint({ ...place, interruption, after });
          failed += said(
            `${point}  ${interruption} after ${after.toFixed(1)} s, at ${result.at}`,
            result,
          );
        }
      }),
    );
  }
  console.log(
    failed === 0
      ? "All converged: state and cloud agree, one execution and one trained version each."
      : `${failed} did not converge. The logs are in ${folder}`,
  );
  if (failed === 0) rmSync(folder, { recursive: true, force: true });
  return failed === 0 ? 0 : 1;
}

/** @returns 1 where there is a problem */
function said(title: string, { problems, recovered }: PointResult): number {
  const imports = recovered?.match(/^ {4}\S/gm)?.length ?? 0;
  const lock = /Lock on the state/.test(recovered ?? "");
  const found =
    recovered === undefined
      ? ""
      : `; recovered ${lock ? "a lock and " : ""}${imports} resources`;
  console.log(
    `  ${title}${found}: ${problems.length === 0 ? "converged" : "FAILED"}`,
  );
  for (const problem of problems) {
    console.log(problem.replace(/^/gm, "      "));
  }
  return problems.length === 0 ? 0 : 1;
}
