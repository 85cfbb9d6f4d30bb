import fc from "fast-check";
import { isDeepStrictEqual } from "node:util";
import { readSettings } from "../constructs/read-settings";
import { environmentSettings } from "../constructs/settings";
import { RULES } from "../gates/all-rules";
import { leaves } from "../gates/attribute";
import type { Finding } from "../gates/finding";
import { judge } from "../gates/judge";
import { GPU_LIMIT, isProduction } from "../gates/profile";
import { readSynth } from "../gates/read-synth";
import type { Plan } from "../gates/resource";
import { SYNTH_RULES } from "../gates/synth-rules";
import { verdict } from "../gates/verdict";
import { settings } from "./any-settings";
import { resolvedPlan } from "./resolved-plan";
import { synthesizeText } from "./synthesize";

const environmentName = fc.constantFrom("dev", "prod");
const TODAY = new Date("2026-11-24T12:00:00Z");

/** What a gate says of a plan, and what is left with the waivers it prints. */
function judged(plan: Plan, called: string) {
  const findings = judge(
    plan,
    { production: isProduction(called), gpuLimit: GPU_LIMIT },
    plan.kind === "synth" ? SYNTH_RULES : RULES,
  );
  const { findings: all, entries } = verdict(plan, findings, [], TODAY, [
    called,
  ]);
  const waivers = [...entries.values()];
  const blocked = ({ findings }: { findings: readonly Finding[] }) =>
    findings.filter(({ level }) => level === "block").map(({ rule }) => rule);
  return {
    blocked: blocked({ findings: all }),
    waivers,
    left: blocked(verdict(plan, findings, waivers, TODAY, [called])),
  };
}

// Seeded: a failure is a failure everywhere, and prints what to try again.
const RUNS = { numRuns: 60, seed: 20261124 };

// What the product offers and a gate refuses: a service for everybody; and in
// production what is not protected, has no budget or comes by a tag.
const REFUSABLE = {
  synth: ["G01"],
  plan: ["G01", "G03", "G06", "G07", "G10", "G12", "G13"],
};

test("every valid setting synthesizes, the same each time, and passes its gates or is told what to waive", () => {
  const seen = new Set<string>();
  fc.assert(
    fc.property(settings, environmentName, (raw, called) => {
      const text = synthesizeText(raw, called);
      expect(synthesizeText(raw, called)).toBe(text);

      for (const plan of [readSynth(JSON.parse(text)), resolvedPlan(text)]) {
        const { blocked, waivers, left } = judged(plan, called);
        blocked.forEach((rule) => seen.add(rule));
        expect(REFUSABLE[plan.kind]).toEqual(expect.arrayContaining(blocked));
        expect(waivers).toHaveLength(blocked.length);
        expect(left).toEqual([]);
      }
    }),
    RUNS,
  );
  // The settings were as different as that.
  expect([...seen].sort()).toEqual(REFUSABLE.plan);
});

test("settings with all their defaults written down are the same settings", () => {
  fc.assert(
    fc.property(settings, environmentName, (raw, called) => {
      const read = readSettings({ environments: { [called]: raw } }, {});
      const again = readSettings(
        { environments: JSON.parse(JSON.stringify(read)) },
        {},
      );

      expect(isDeepStrictEqual(again, read)).toBe(true);
    }),
    { ...RUNS, numRuns: 200 },
  );
});

test("no setting is left out of these properties", () => {
  const set = new Set<string>();
  for (const raw of fc.sample(settings, { numRuns: 300, seed: RUNS.seed })) {
    leavesOf(raw).forEach((path) => set.add(path));
  }

  expect(
    settingsOf(environmentSettings).filter(
      (path) => ![...set].some((p) => p === path || p.startsWith(`${path}.`)),
    ),
  ).toEqual([]);
});

/** Paths of all settings, such as `models.*.training.lora.r`. */
function settingsOf(schema: unknown, at = ""): string[] {
  // eslint-disable-next-line @typescript-eslint/no-explicit-any
  const { def } = schema as { def: any };
  if (def.innerType) return settingsOf(def.innerType, at);
  const below = (key: string) => (at === "" ? key : `${at}.${key}`);
  if (def.type === "union") {
    return [
      ...new Set<string>(
        def.options.flatMap((o: unknown) => settingsOf(o, at)),
      ),
    ];
  }
  if (def.type === "record" && def.valueType.def.shape) {
    return settingsOf(def.valueType, below("*"));
  }
  return def.type === "object"
    ? Object.entries(def.shape).flatMap(([key, inner]) =>
        settingsOf(inner, below(key)),
      )
    : [at];
}

function leavesOf(raw: unknown): string[] {
  return leaves(raw).map(({ path }) =>
    path.replace(/^models\.\w+/, "models.*").replace(/\[\d+\]/g, ""),
  );
}
