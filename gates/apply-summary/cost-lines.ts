import type { ApplySummary } from "./apply-summary";
import type { Training } from "./trainings";
import { dollars, type Item, quote, type Sentence } from "./wording";

/** What a training may cost, and what it probably does. */
export function trainingCostLines(run: Training): Sentence[] {
  const { cost, longestBound, expected, last, changed } = run;
  const { timeoutSeconds, attempts, hourly, upperBound } = cost;
  const bound =
    timeoutSeconds === undefined || attempts === undefined
      ? `costs at most ${dollars(undefined)}`
      : `costs at most ${dollars(upperBound)}: ${attempts} x ${minutes(timeoutSeconds)}, ${dollars(hourly)} an hour`;
  const beyond =
    longestBound === undefined || longestBound === upperBound
      ? ""
      : `; one that is interrupted but comes further is followed by others, ${dollars(longestBound)} in all at most`;
  return [[bound + beyond], expectation(expected, last, changed)];
}

function expectation(
  expected: number | undefined,
  last: Training["last"],
  changed: Training["changed"],
): Sentence {
  if (last === undefined) {
    return [
      "expected cost: unknown, for want of the metrics of an earlier run",
    ];
  }
  const took: Sentence = [
    `the last run trained and scored for ${minutes(last.seconds)}`,
    ...(last.device === undefined ? [] : [" on ", quote(last.device)]),
  ];
  if (expected === undefined) return ["expected cost: unknown; ", ...took];
  const other = changed.some(({ changesLength }) => changesLength)
    ? "; what changed makes this one shorter or longer"
    : "";
  return [
    `expected cost: about ${dollars(expected)} beside loading and merging; `,
    ...took,
    other,
  ];
}

function minutes(seconds: number): string {
  return `${Number((seconds / 60).toPrecision(3))} min`;
}

/** Floor and ceiling of each service and of all, and what they were. */
export function servingCost({ serving }: ApplySummary): Item[] {
  const { services, after, before } = serving;
  if (services.length === 0) {
    return [{ line: ["no service with a GPU"], details: [] }];
  }
  const each = services.map(
    ({ service, minimum, maximum, hourly, after }): Item => ({
      line: [
        quote(service),
        `: ${dollars(after.floor)} to ${dollars(after.ceiling)}`,
      ],
      details: [
        [
          `${minimum ?? "unknown"} to ${maximum ?? "unknown"} instances, ${dollars(hourly)} an hour each`,
        ],
      ],
    }),
  );
  return [
    ...each,
    {
      line: [
        `in all ${dollars(after.floor)} to ${dollars(after.ceiling)}; before this apply ${dollars(before.floor)} to ${dollars(before.ceiling)}`,
      ],
      details: [],
    },
  ];
}
