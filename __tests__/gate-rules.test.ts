import { readdirSync } from "node:fs";
import { join } from "node:path";
import { RULES } from "../gates/all-rules";
import { GPU_LIMIT, type Profile } from "../gates/profile";
import { SYNTH_RULES } from "../gates/synth-rules";
import { readPlan } from "../gates/read-plan";
import { type PlanJson, planFixture } from "./plan-fixtures";
import { add, after, changeOf, command, deleted } from "./plan-edits";

type Edit = (plan: PlanJson) => void;

/** What a rule accepts, what it does not, and the level of that. */
interface Pair {
  readonly passes: readonly [string, Edit];
  readonly finds: readonly [string, Edit];
  readonly level: "block" | "flag";
  readonly profile?: Partial<Profile>;
}

const SERVICE = "google_cloud_run_v2_service";
const JOB = "google_cloud_run_v2_job";
const BUCKET = "google_storage_bucket";
const service = (p: PlanJson) => after(p, SERVICE);
const template = (p: PlanJson) => service(p).template[0];
const DIGEST = `us-docker.pkg.dev/my-project/r/x@sha256:${"0a".repeat(32)}`;

const PAIRS: Readonly<Record<string, Pair>> = {
  G00: {
    passes: ["a plan with nothing to do", (p) => (p.applyable = false)],
    finds: ["a plan that ended with an error", (p) => (p.errored = true)],
    level: "block",
  },
  G01: {
    passes: [
      "a group that may invoke",
      (p) => add(p, `${SERVICE}_iam_member`, { member: "group:a@example.com" }),
    ],
    finds: [
      "everybody may invoke",
      (p) => add(p, `${SERVICE}_iam_member`, { member: "allUsers" }),
    ],
    level: "block",
  },
  G02: {
    passes: [
      "the invoker check on",
      (p) => (service(p).invoker_iam_disabled = false),
    ],
    finds: [
      "the invoker check off",
      (p) => (service(p).invoker_iam_disabled = true),
    ],
    level: "block",
  },
  G03: {
    passes: [
      "ingress through a load balancer",
      (p) => (service(p).ingress = "INGRESS_TRAFFIC_INTERNAL_LOAD_BALANCER"),
    ],
    finds: [
      "ingress from anywhere",
      (p) => (service(p).ingress = "INGRESS_TRAFFIC_ALL"),
    ],
    level: "flag",
  },
  G04: {
    passes: [
      "a secret's version that is replaced",
      (p) => deleted(p, "google_secret_manager_secret_version"),
    ],
    finds: [
      "a bucket that is deleted",
      (p) => deleted(p, BUCKET, "bucket.models"),
    ],
    level: "block",
  },
  G05: {
    passes: [
      "a member that is forgotten",
      (p) => {
        deleted(p, "google_project_iam_member");
        changeOf(p, "google_project_iam_member").change.actions = ["forget"];
      },
    ],
    finds: [
      "a service that is forgotten",
      (p) => {
        deleted(p, SERVICE);
        changeOf(p, SERVICE).change.actions = ["forget"];
      },
    ],
    level: "flag",
  },
  G06: {
    passes: [
      "force_destroy where everything is deleted after two days",
      (p) => {
        const source = after(p, BUCKET, "build_source");
        source.lifecycle_rule[0].condition[0].age = 2;
      },
    ],
    finds: [
      "force_destroy on the models",
      (p) => (after(p, BUCKET, "bucket.models").force_destroy = true),
    ],
    level: "block",
  },
  G07: {
    passes: [
      "a job without protection",
      (p) => (after(p, JOB).deletion_protection = false),
    ],
    finds: [
      "a service without protection",
      (p) => (service(p).deletion_protection = false),
    ],
    level: "block",
  },
  G08: {
    passes: [
      "soft delete for a month",
      (p) =>
        (after(p, BUCKET, "bucket.models").soft_delete_policy = [
          { retention_duration_seconds: 2592000 },
        ]),
    ],
    finds: [
      "a bucket that inherits public access",
      (p) =>
        (after(p, BUCKET, "bucket.models").public_access_prevention =
          "inherited"),
    ],
    level: "block",
  },
  G09: {
    passes: [
      "seven instances and a task",
      (p) => (template(p).scaling[0].max_instance_count = 7),
    ],
    finds: [
      "eight instances and a task",
      (p) => (template(p).scaling[0].max_instance_count = 8),
    ],
    level: "block",
  },
  G10: {
    passes: [
      "no instance that always runs",
      (p) => (service(p).scaling[0].min_instance_count = 0),
    ],
    finds: [
      "more of them than the budget pays for",
      (p) => (service(p).scaling[0].min_instance_count = 1),
    ],
    level: "block",
  },
  G10b: {
    passes: [
      "no retries, written down",
      (p) => (after(p, JOB).template[0].template[0].max_retries = 0),
    ],
    finds: [
      "retries that nobody wrote down",
      (p) => {
        const job = p.configuration.root_module.resources.find(
          (r: PlanJson) => r.type === JOB,
        );
        delete job.expressions.template[0].template[0].max_retries;
      },
    ],
    level: "flag",
  },
  G11: {
    passes: [
      "zonal redundancy of a service without a GPU",
      (p) => {
        delete template(p).containers[0].resources[0].limits["nvidia.com/gpu"];
        template(p).node_selector = [];
        template(p).gpu_zonal_redundancy_disabled = false;
      },
    ],
    finds: [
      "zonal redundancy of a GPU",
      (p) => (template(p).gpu_zonal_redundancy_disabled = false),
    ],
    level: "flag",
  },
  G12: {
    passes: [
      "a budget of another amount",
      (p) =>
        (after(p, "google_billing_budget").amount[0].specified_amount[0].units =
          "5"),
    ],
    finds: ["a budget that goes", (p) => deleted(p, "google_billing_budget")],
    level: "block",
  },
  G13: {
    passes: [
      "an image by digest",
      (p) => (template(p).containers[0].image = DIGEST),
    ],
    finds: [
      "an image by tag",
      (p) =>
        (template(p).containers[0].image =
          "us-docker.pkg.dev/my-project/r/x:1"),
    ],
    level: "block",
  },
  G14: {
    passes: [
      "a key that is a number, a token that is a reference",
      (p) =>
        template(p).containers[0].env.push(
          { name: "MAX_TOKEN", value: "512", value_source: [] },
          { name: "API_KEY", value: "", value_source: [{}] },
        ),
    ],
    finds: [
      "a key in clear",
      (p) =>
        template(p).containers[0].env.push({ name: "API_KEY", value: "x" }),
    ],
    level: "block",
  },
  G15: {
    passes: [
      "a narrow role on the project",
      (p) =>
        (after(p, "google_project_iam_member").role =
          "roles/monitoring.viewer"),
    ],
    finds: [
      "an editor of the project",
      (p) => (after(p, "google_project_iam_member").role = "roles/editor"),
    ],
    level: "block",
  },
  G16: {
    passes: [
      "a key that goes",
      (p) => {
        add(p, "google_service_account_key", {});
        deleted(p, "google_service_account_key");
      },
    ],
    finds: [
      "a key that is created",
      (p) => add(p, "google_service_account_key", {}),
    ],
    level: "block",
  },
  G17: {
    passes: [
      "another account",
      (p) => (template(p).service_account = "x@other.iam.gserviceaccount.com"),
    ],
    finds: ["no account", (p) => (template(p).service_account = null)],
    level: "block",
  },
  G18: {
    passes: [
      "a training that is replaced, and pinned",
      (p) =>
        (changeOf(p, "null_resource", "run_execution").change.actions = [
          "delete",
          "create",
        ]),
    ],
    finds: [
      "a training",
      (p) =>
        (command(p, "run_execution").environment.constant_value.PINNED = "no"),
    ],
    level: "flag",
  },
  G19: {
    passes: [
      "a value in the environment",
      (p) => command(p, "run_execution").environment.references.push("var.x"),
    ],
    finds: [
      "a value in the command",
      (p) => (command(p, "run_execution").command.references = ["var.x"]),
    ],
    level: "block",
  },
  G20: {
    passes: [
      "labels of the resource itself",
      (p) => (after(p, BUCKET, "bucket.models").labels = { owner: "other" }),
    ],
    finds: [
      "no owner anywhere",
      (p) => {
        const { google } = p.configuration.provider_config;
        delete google.expressions.default_labels.constant_value.owner;
        delete after(p, BUCKET, "bucket.models").effective_labels.owner;
        delete after(p, BUCKET, "bucket.models").terraform_labels.owner;
      },
    ],
    level: "flag",
  },
  G21: {
    passes: [
      "all traffic through the network",
      (p) => {
        template(p).vpc_access[0].egress = "ALL_TRAFFIC";
        after(p, JOB).template[0].template[0].vpc_access[0].egress =
          "ALL_TRAFFIC";
      },
    ],
    finds: ["private ranges alone", () => undefined],
    level: "block",
    profile: { noInternet: "block" },
  },
  G22: {
    passes: [
      "an API that stays on when its resource goes",
      (p) => deleted(p, "google_project_service", "apis_run_"),
    ],
    finds: [
      "an API that is switched off",
      (p) => {
        deleted(p, "google_project_service", "apis_run_");
        const { change } = changeOf(p, "google_project_service", "apis_run_");
        change.before.disable_on_destroy = true;
      },
    ],
    level: "flag",
  },
  G23: {
    passes: ["one L4 all month, below the limit", () => undefined],
    finds: [
      "two of them, above the limit",
      (p) => (template(p).scaling[0].max_instance_count = 2),
    ],
    level: "block",
    profile: { costLimit: 1100 },
  },
  G24: {
    passes: [
      "another patch of Terraform",
      (p) => (p.terraform_version = "1.11.9"),
    ],
    finds: ["an older Terraform", (p) => (p.terraform_version = "1.10.0")],
    level: "flag",
  },
};

test("every rule has a file, an id, a sentence, the vendor's page and a pair of tests", () => {
  const files = readdirSync(join(__dirname, "../gates/rules"));

  expect(Object.keys(PAIRS)).toEqual(RULES.map(({ id }) => id));
  expect(files.map((file) => /^g(\d+b?)-/.exec(file)?.[1])).toEqual(
    RULES.map(({ id }) => id.slice(1)),
  );
  for (const { why, page } of RULES) {
    expect(why).toMatch(/^[A-Z].*\.$/);
    expect(page).toMatch(
      /^https:\/\/(cloud\.google\.com|developer\.hashicorp\.com|registry\.terraform\.io)\//,
    );
  }
});

test("synthesized JSON is judged by G01, G02, G14 to G17 and G19", () => {
  expect(SYNTH_RULES.map(({ id }) => id)).toEqual([
    "G01",
    "G02",
    "G14",
    "G15",
    "G16",
    "G17",
    "G19",
  ]);
});

describe.each(RULES)("$id: $title", (rule) => {
  const { passes, finds, level, profile } = PAIRS[rule.id]!;
  const check = (edit: Edit, production = true) => {
    const plan = planFixture("reviewed");
    edit(plan);
    return rule.check(readPlan(plan), {
      production,
      gpuLimit: GPU_LIMIT,
      ...profile,
    });
  };

  test(`passes ${passes[0]}`, () => {
    expect(check(passes[1])).toEqual([]);
  });

  test(`finds ${finds[0]}`, () => {
    const [finding] = check(finds[1]);

    expect(finding).toMatchObject({
      level,
      message: expect.stringMatching(/./),
      change: expect.stringMatching(/./),
    });
  });

  if (["G06", "G07", "G12", "G13"].includes(rule.id)) {
    test("flags it outside of production", () => {
      const levels = check(finds[1], false).map((finding) => finding.level);

      expect(new Set(levels)).toEqual(new Set(["flag"]));
    });
  }
});

test("a training names the trigger that changed, with both values, or the failure before it", () => {
  const messages = (edit: Edit) => {
    const plan = planFixture("reviewed");
    command(plan, "run_execution").environment.constant_value.PINNED = "no";
    const entry = changeOf(plan, "null_resource", "run_execution");
    entry.change.actions = ["delete", "create"];
    entry.change.before = { triggers: { run_id: "ba9876543210" } };
    edit(entry);
    const rule = RULES.find(({ id }) => id === "G18")!;
    const profile = { production: true, gpuLimit: GPU_LIMIT };
    return rule.check(readPlan(plan), profile).map((f) => f.message);
  };

  expect(messages(() => undefined)).toEqual([
    "trains again: run_id was ba9876543210, becomes 0123456789ab; up to 4 GPU hours",
  ]);
  expect(
    messages((entry) => {
      entry.change.before.triggers.run_id = entry.change.after.triggers.run_id;
      entry.change.before.triggers.image = "a";
      entry.change.after.triggers.image = "b";
    }),
  ).toEqual(["trains again: image was a, becomes b; up to 4 GPU hours"]);
  expect(
    messages((entry) => {
      // As terraform_data has it.
      for (const side of [entry.change.before, entry.change.after]) {
        side.triggers_replace = side.triggers;
        delete side.triggers;
      }
    }),
  ).toEqual([
    "trains again: run_id was ba9876543210, becomes 0123456789ab; up to 4 GPU hours",
  ]);
  expect(
    messages((entry) => (entry.action_reason = "replace_because_tainted")),
  ).toEqual(["trains again: tainted by an earlier failure; up to 4 GPU hours"]);
});

test("a deletion names its reason and what forces the replacement", () => {
  const plan = planFixture("reviewed");
  const entry = changeOf(plan, SERVICE);
  entry.change.actions = ["delete", "create"];
  entry.action_reason = "replace_because_cannot_update";
  entry.change.replace_paths = [["location"]];
  const rule = RULES.find(({ id }) => id === "G04")!;

  const [finding] = rule.check(readPlan(plan), {
    production: true,
    gpuLimit: GPU_LIMIT,
  });

  expect(finding?.message).toBe(
    "replaced (deleted and made anew): replace_because_cannot_update, location",
  );
});

test("open ingress blocks where the service lets anybody in, by whatever name the grant calls it", () => {
  const level = (type: string, member: string, name?: string) => {
    const plan = planFixture("reviewed");
    service(plan).ingress = "INGRESS_TRAFFIC_ALL";
    add(
      plan,
      `${type}_iam_member`,
      name === undefined ? { member } : { member, name },
      { unknown: name === undefined ? { name: true } : {} },
    );
    const [finding] = RULES.find(({ id }) => id === "G03")!.check(
      readPlan(plan),
      { production: true, gpuLimit: GPU_LIMIT },
    );
    return finding?.level;
  };
  const name = service(planFixture("reviewed")).name;

  expect(level(SERVICE, "allUsers", name)).toBe("block");
  expect(
    level(
      SERVICE,
      "allUsers",
      `projects/my-project/locations/us-central1/services/${name}`,
    ),
  ).toBe("block");
  expect(level(SERVICE, "allUsers")).toBe("block");
  expect(level(SERVICE, "allUsers", "another")).toBe("flag");
  expect(level(SERVICE, "user:ada@example.com", name)).toBe("flag");
  // A job of the same name is not the service.
  expect(level(JOB, "allUsers", name)).toBe("flag");
});
