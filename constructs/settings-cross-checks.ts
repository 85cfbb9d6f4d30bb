import type { z } from "zod";
import {
  type Accelerator,
  ACCELERATORS,
  GPU_REGIONS,
  type GpuRegion,
  sizeProblems,
} from "./gpu-shapes";
import { modelName } from "./resource-names";
import { checkServing } from "./serving-cross-checks";
import type { Path, Raw, Report } from "./settings-problem";
import { checkTraining } from "./training-cross-checks";

const PUBLIC = ["allUsers", "allAuthenticatedUsers"];

/**
 * Rules over more than one value. They also run where single values are wrong,
 * so that a person sees every problem at once: nothing here is taken for granted.
 */
export function crossChecks(
  settings: unknown,
  context: z.core.$RefinementCtx,
): void {
  const report: Report = (path, input, message) =>
    context.addIssue({ code: "custom", path, input, message });
  const environments = entries(record(settings).environments);
  for (const [name, environment] of environments) {
    const path = ["environments", name];
    for (const [key, model] of entries(environment.models)) {
      const region = environment.region;
      const at = [...path, "models", key];
      for (const part of ["training", "serving"]) {
        checkSize([...at, part], record(model[part]), region, report);
      }
      checkInvokers([...at, "serving"], record(model.serving), report);
      checkServing(
        [...at, "serving"],
        record(model.serving),
        environment.network,
        report,
      );
      checkTemplates(at, model, report);
      checkTraining(
        at,
        record(model.training),
        record(model.promotion),
        report,
      );
      if (model.name === undefined && !modelName.safeParse(key).success) {
        report(at, key, `a key that can name a folder, or a 'name' beside it`);
      }
    }
  }
  checkShared(environments, report);
}

function checkSize(path: Path, part: Raw, region: unknown, report: Report) {
  const { accelerator, cpu, memory } = part;
  if (
    !GPU_REGIONS.includes(region as GpuRegion) ||
    !ACCELERATORS.includes(accelerator as Accelerator) ||
    typeof cpu !== "number" ||
    typeof memory !== "string"
  ) {
    return;
  }
  const size = { accelerator: accelerator as Accelerator, cpu, memory };
  for (const { key, allowed } of sizeProblems(size, region as GpuRegion)) {
    report([...path, key], size[key], allowed);
  }
}

function checkInvokers(path: Path, serving: Raw, report: Report) {
  const invokers = Array.isArray(serving.invokers) ? serving.invokers : [];
  const open = invokers.filter((member) => PUBLIC.includes(String(member)));
  if (open.length > 0 && serving.public !== true) {
    report(
      [...path, "invokers"],
      open,
      "principals of your own; to let anybody on the internet use your GPU, set serving.public to true as well",
    );
  }
}

function checkTemplates(path: Path, model: Raw, report: Report) {
  const columns = Object.keys(record(record(model.dataset).columns));
  for (const key of ["prompt", "completion"]) {
    const template = model[key];
    if (typeof template !== "string") continue;
    const used = placeholders(template);
    if (used.length === 0 || used.some((name) => !columns.includes(name))) {
      report(
        [...path, key],
        template,
        `a template with at least one of the placeholders of dataset.columns: ${columns.map((c) => `{${c}}`).join(", ")}`,
      );
    }
  }
  const asked = placeholders(model.prompt);
  const leaked = placeholders(model.completion).filter((name) =>
    asked.includes(name),
  );
  if (leaked.length > 0) {
    report(
      [...path, "completion"],
      model.completion,
      `placeholders that the prompt does not have: it would give {${leaked.join("}, {")}} away`,
    );
  }
}

function placeholders(template: unknown): string[] {
  return [...String(template).matchAll(/\{(\w*)\}/g)].map(
    ([, name]) => name ?? "",
  );
}

/** Two owners of one name would undo each other's work at every apply. */
function checkShared(environments: [string, Raw][], report: Report) {
  const owners = new Map<string, string>();
  const claim = (name: string, owner: string, path: Path, input: unknown) => {
    const other = owners.get(name);
    if (other !== undefined) {
      report(path, input, `a name of its own: ${other} has this one already`);
    }
    owners.set(name, other ?? owner);
  };
  for (const [name, environment] of environments) {
    const { projectId, region } = environment;
    const path = ["environments", name];
    if (typeof projectId !== "string") continue;
    for (const key of ["build", "train", "serve"]) {
      const id = record(environment.serviceAccounts)[key];
      const at = [...path, "serviceAccounts", key];
      claim(`account ${id} in ${projectId}`, at.join("."), at, id);
    }
    const bucket = record(environment.bucket).name ?? `${projectId}-default`;
    const at = [...path, "bucket", "name"];
    claim(`bucket ${String(bucket)}`, at.join("."), at, bucket);
    const repository = environment.repository;
    const there = [...path, "repository"];
    claim(
      `repository ${String(repository)} in ${projectId}/${String(region)}`,
      there.join("."),
      there,
      repository,
    );
    for (const [key, model] of entries(environment.models)) {
      const base = [...path, "models", key];
      const owned: [string, unknown, Path][] = [
        ["job", record(model.training).job, [...base, "training", "job"]],
        [
          "service",
          record(model.serving).service,
          [...base, "serving", "service"],
        ],
        ["folder", model.name ?? key, [...base, "name"]],
      ];
      for (const [kind, value, where] of owned) {
        claim(
          `${kind} ${String(value)} in ${projectId}/${String(region)}/${kind === "folder" ? String(bucket) : ""}`,
          where.join("."),
          where,
          value,
        );
      }
    }
  }
}

function record(value: unknown): Raw {
  return typeof value === "object" && value !== null ? (value as Raw) : {};
}

function entries(value: unknown): [string, Raw][] {
  return Object.entries(record(value)).map(([key, entry]) => [
    key,
    record(entry),
  ]);
}
