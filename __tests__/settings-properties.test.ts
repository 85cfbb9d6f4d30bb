import fc from "fast-check";
import { isDeepStrictEqual } from "node:util";
import { readSettings } from "../constructs/read-settings";
import { GPU_SHAPES } from "../constructs/gpu-shapes";
import { RULES } from "../gates/all-rules";
import type { Finding } from "../gates/finding";
import { judge } from "../gates/judge";
import { GPU_LIMIT, isProduction } from "../gates/profile";
import { readSynth } from "../gates/read-synth";
import type { Plan } from "../gates/resource";
import { SYNTH_RULES } from "../gates/synth-rules";
import { verdict } from "../gates/verdict";
import { resolvedPlan } from "./resolved-plan";
import { type Raw, synthesizeText } from "./synthesize";

/** A key that is set or left out. */
const maybe = (keys: Record<string, fc.Arbitrary<unknown>>) =>
  fc.record(keys, { requiredKeys: [] });

const region = fc.constantFrom("us-central1", "europe-west4");
const name = fc.stringMatching(/^[a-z][a-z0-9-]{4,10}[a-z0-9]$/);

/** A size that Cloud Run has in both regions. */
const size = fc
  .constantFrom<keyof typeof GPU_SHAPES>("nvidia-l4", "nvidia-rtx-pro-6000")
  .chain((accelerator) => {
    const { cpu, minimumMemoryGib } = GPU_SHAPES[accelerator];
    return fc.constantFrom(...cpu).chain((vcpu) =>
      fc.integer({ min: minimumMemoryGib, max: 4 * vcpu }).map((gib) => ({
        accelerator: accelerator as string,
        cpu: vcpu as number,
        memory: `${gib}Gi`,
      })),
    );
  });

const training = fc
  .tuple(
    size,
    maybe({
      retries: fc.integer({ min: 0, max: 10 }),
      image: fc.constant(
        `us-docker.pkg.dev/p/r/trainer@sha256:${"0a".repeat(32)}`,
      ),
      learningRate: fc.double({ min: 1e-6, max: 0.1, noNaN: true }),
      seed: fc.nat(),
      reportTo: fc.constantFrom("none", ["tensorboard"]),
      lora: maybe({ r: fc.integer({ min: 1, max: 64 }), dora: fc.boolean() }),
    }),
  )
  .map(([shape, more]) => ({ ...shape, ...more }));

const serving = fc
  .tuple(
    size,
    maybe({
      minInstances: fc.integer({ min: 0, max: 1 }),
      maxInstances: fc.integer({ min: 1, max: 3 }),
      ingress: fc.constantFrom(
        "all",
        "internal",
        "internal-and-cloud-load-balancing",
      ),
      port: fc.integer({ min: 1, max: 65535 }),
      deletionProtection: fc.boolean(),
      image: fc.constantFrom("us-docker.pkg.dev/p/r/vllm:1"),
      invokers: fc.uniqueArray(
        fc.constantFrom(
          "user:ada@example.com",
          "group:a@example.com",
          "allUsers",
        ),
        { maxLength: 3 },
      ),
    }),
  )
  .map(([shape, more]) => ({ ...shape, ...more, public: true }));

const model = maybe({
  pin: fc.stringMatching(/^[0-9a-f]{12}$/),
  dataset: maybe({ limit: fc.integer({ min: 1, max: 100000 }) }),
  // Anything that a person may write into a prompt.
  prompt: fc
    .string({ unit: "grapheme" })
    .map((text) => `${text.replace(/[{}]/g, "")} {question}`),
  promotion: maybe({ minimum: fc.double({ min: 0, max: 1, noNaN: true }) }),
  training,
  serving,
});

const settings: fc.Arbitrary<Raw> = fc.record(
  {
    projectId: name,
    region,
    labels: fc.dictionary(
      fc.stringMatching(/^(owner|team|cost-center)$/),
      fc.stringMatching(/^[a-z0-9_-]{0,10}$/),
    ),
    network: fc.constantFrom(
      "none",
      {},
      { network: "ml", subnetwork: "ml", egress: "all" },
    ),
    token: maybe({
      source: fc.constantFrom("variable", "existing", "none"),
      replication: fc.constantFrom("automatic", ["us-central1"]),
      deletionProtection: fc.boolean(),
    }),
    budget: fc.oneof(
      fc.constant("none"),
      fc.record(
        {
          amount: fc.integer({ min: 1, max: 1e6 }),
          currency: fc.constantFrom("USD", "JPY"),
          billingAccount: fc.constant("012345-6789AB-CDEF01"),
          emails: fc.uniqueArray(
            fc.constantFrom("a@example.com", "b@example.com"),
          ),
        },
        { requiredKeys: ["amount"] },
      ),
    ),
    bucket: maybe({ forceDestroy: fc.boolean() }),
    state: maybe({ bucket: fc.constant("my-states") }),
    models: model.map((one) => ({ a: one })),
  },
  { requiredKeys: ["projectId", "region", "models"] },
);

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
const RUNS = { numRuns: 14, seed: 20261124 };

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
      if (called === "dev") expect(synthesizeText(raw, called)).toBe(text);

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
