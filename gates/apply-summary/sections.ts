import { PRICE_PAGE } from "../cost/price-table";
import type { ApplySummary } from "./apply-summary";
import type { ImageBuild } from "./image-builds";
import type { Removal } from "./removals";
import type { ServedVersion } from "./served-versions";
import { servingCost, trainingCostLines } from "./cost-lines";
import type { Training } from "./trainings";
import {
  change,
  counted,
  type Item,
  quote,
  type Section,
  type Sentence,
} from "./wording";

/** A summary in words, for every way of showing it. */
export function sections(summary: ApplySummary): Section[] {
  const { counts, builds, trainings, served, removals, prices } = summary;
  const trained = trainings.filter(({ pinned }) => !pinned);
  return [
    ...(summary.faults.length === 0
      ? []
      : [
          {
            title: "This is not all: the plan is not whole",
            items: summary.faults.map((fault) => item([quote(fault)])),
          },
        ]),
    {
      title: "Changes",
      items: [
        item([
          `${counts.create} to create, ${counts.update} to change, ${counts.replace} to replace, ${counts.delete} to destroy`,
        ]),
      ],
    },
    {
      title: `Images: ${builds.length === 0 ? "none is built" : `${counted(builds.length, "image")} built, where the tag is not there already`}`,
      items: builds.map(build),
    },
    {
      title: `Training: ${trained.length === 0 ? "no model is trained" : `${counted(trained.length, "model")} trained, where the run is not published already`}`,
      items: trainings.map(training),
    },
    {
      title: served.length === 0 ? "Serving: nothing" : "Serving",
      items: served.map(serving),
    },
    {
      title: removals.deleted.length === 0 ? "Deleted: nothing" : "Deleted",
      items: removals.deleted.map(removal),
    },
    {
      title: removals.replaced.length === 0 ? "Replaced: nothing" : "Replaced",
      items: removals.replaced.map(removal),
    },
    ...(removals.forgotten.length === 0
      ? []
      : [
          {
            title: "Left as it is, but no longer managed",
            items: removals.forgotten.map(removal),
          },
        ]),
    {
      title: "Cost of serving a month",
      items: servingCost(summary),
    },
    {
      title: `Prices of ${prices.of}`,
      items: [
        ...(prices.stale
          ? [item(["they are older than 90 days: look them up again"])]
          : []),
        item([`not included: ${summary.notIncluded.join("; ")}`]),
        item([PRICE_PAGE]),
      ],
    },
  ];
}

function item(line: Sentence, details: readonly Sentence[] = []): Item {
  return { line, details };
}

function build({ context, image, imageBefore, occasion }: ImageBuild): Item {
  const tag = (address: string | undefined) =>
    quote(address?.replace(/^.*\//, "") ?? "unknown");
  const why: Sentence =
    occasion === "trigger" && image !== imageBefore
      ? ["what it is built from changed: it was ", tag(imageBefore)]
      : [AGAIN[occasion]];
  return item([quote(`${context}/`), " becomes ", tag(image)], [why]);
}

/** Why a step runs, where no input of it changed. */
const AGAIN = {
  first: "for the first time",
  trigger: "its trigger changed",
  "failed before": "an earlier apply did not get it done",
  requested: "it was asked for",
  unknown: "the plan does not say why",
} as const;

function training(run: Training): Item {
  const { model, runId, runIdBefore, pinned, uri } = run;
  const id = quote(runId ?? "unknown");
  if (pinned) {
    return item(
      [quote(model), " is pinned to run ", id, ": nothing is trained"],
      runIdBefore === undefined || runIdBefore === runId
        ? []
        : [["it was run ", quote(runIdBefore)]],
    );
  }
  return item(
    [quote(model), " becomes run ", id],
    [
      ...reasons(run),
      ...(uri === undefined
        ? []
        : [["if ", quote(uri), " is published already, nothing is trained"]]),
      ...trainingCostLines(run),
    ],
  );
}

function reasons(run: Training): Sentence[] {
  const { occasion, changed, runId, runIdBefore } = run;
  const inputs = changed.map(
    ({ setting, before, after }): Sentence => [
      `because ${setting} changed: `,
      ...change(before, after),
    ],
  );
  const was: Sentence[] =
    runIdBefore === undefined || runIdBefore === runId
      ? []
      : [["it was run ", quote(runIdBefore)]];
  if (inputs.length > 0) return [...was, ...inputs];
  if (occasion === "trigger") {
    return [
      ...was,
      ["no input of the training changed: another run was pinned before"],
    ];
  }
  return [...was, [`because ${BECAUSE[occasion]}`]];
}

const BECAUSE = {
  first: "no run of it is in the state",
  "failed before":
    "an earlier attempt failed or was interrupted; it goes on from its checkpoints",
  requested: "it was asked for",
  unknown: "of something that the plan does not say",
} as const;

function serving(served: ServedVersion): Item {
  const { service, version, versionBefore, revision } = served;
  const answers: Sentence =
    version === undefined
      ? []
      : [
          " with ",
          quote(version),
          ...(versionBefore === undefined || versionBefore === version
            ? []
            : [" (it was ", quote(versionBefore), ")"]),
        ];
  const how = {
    first: "is created and answers",
    new: "gets a new revision, which answers",
    same: "goes on with the revision that it has, which answers",
  }[revision];
  return item([quote(service), ` ${how}`, ...answers]);
}

function removal({ address, name, why, arguments: forced }: Removal): Item {
  return item(
    [quote(address), " (", quote(name), ")"],
    [
      [
        why,
        ...forced.flatMap((argument, i) => [i ? ", " : ": ", quote(argument)]),
      ],
    ],
  );
}
