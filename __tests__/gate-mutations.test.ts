import { isDeepStrictEqual } from "node:util";
import { RULES } from "../gates/all-rules";
import { judge } from "../gates/judge";
import { GPU_LIMIT, type Profile } from "../gates/profile";
import { readPlan } from "../gates/read-plan";
import { type PlanJson, planFixture } from "./plan-fixtures";
import { MUTANTS } from "./mutants/all-mutants";
import type { Mutant } from "./mutants/mutant";
import { GOOD_WITH_OPTIONS } from "./mutants/options";
import { TOKENS } from "./mutants/secrets";

const PRODUCTION: Profile = { production: true, gpuLimit: GPU_LIMIT };
const good = JSON.stringify(planFixture("reviewed"));

function found({ edit, profile }: Pick<Mutant, "edit" | "profile">) {
  const plan = JSON.parse(good) as PlanJson;
  edit(plan);
  return judge(readPlan(plan), { ...PRODUCTION, ...profile }, RULES);
}

const ids = (findings: readonly { rule: string }[]) =>
  [...new Set(findings.map(({ rule }) => rule))].sort();

test("nothing is found in the reviewed plan", () => {
  expect(found({ edit: () => undefined })).toEqual([]);
});

test.each(GOOD_WITH_OPTIONS)(
  "$rules in a plan that is good under an option: $what",
  (plan) => {
    expect(ids(found(plan))).toEqual(plan.rules);
  },
);

test("there are at least 120 edits, and every rule has one", () => {
  const caught = new Set(MUTANTS.flatMap(({ rules }) => rules));

  expect(MUTANTS.length).toBeGreaterThanOrEqual(120);
  expect(new Set(MUTANTS.map(({ what }) => what)).size).toBe(MUTANTS.length);
  expect(RULES.map(({ id }) => id).filter((id) => !caught.has(id))).toEqual([]);
});

test.each(MUTANTS)("$rules: $what", (mutant) => {
  const findings = found(mutant);

  expect(ids(findings)).toEqual([...mutant.rules].sort());
  // What a finding says is for everybody who may read the log.
  const said = JSON.stringify(findings);
  expect(
    Object.entries(TOKENS).filter(([, token]) => said.includes(token)),
  ).toEqual([]);
});

/** A generator with a seed, so that a combination can be repeated. */
function random(seed: number): () => number {
  let state = seed;
  return () => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    return state / 2 ** 32;
  };
}

/** A good plan with edits; undefined where one takes away what another edits. */
function edited(mutants: readonly Mutant[]): PlanJson | undefined {
  const plan = JSON.parse(good) as PlanJson;
  try {
    mutants.forEach(({ edit }) => edit(plan));
    return plan;
  } catch {
    return undefined;
  }
}

test("combinations of edits are found by the rules of all of them", () => {
  const next = random(20261124);
  let combined = 0;
  const wrong: string[] = [];
  while (combined < 100) {
    // All under the same options.
    const mutants = MUTANTS.filter(({ profile }) => profile === undefined)
      .map((mutant) => ({ mutant, order: next() }))
      .sort((a, b) => a.order - b.order)
      .slice(0, 2 + Math.floor(next() * 3))
      .map(({ mutant }) => mutant);
    const plan = edited(mutants);
    // Edits that undo one another are no combination.
    if (!plan || !isDeepStrictEqual(plan, edited([...mutants].reverse()))) {
      continue;
    }
    combined += 1;
    const expected = [...new Set(mutants.flatMap(({ rules }) => rules))].sort();
    const rules = ids(judge(readPlan(plan), PRODUCTION, RULES));
    if (rules.join() !== expected.join()) {
      wrong.push(
        `${rules.join()} for ${mutants.map(({ what, rules }) => `${what} (${rules.join()})`).join(" + ")}`,
      );
    }
  }

  expect(wrong).toEqual([]);
});
