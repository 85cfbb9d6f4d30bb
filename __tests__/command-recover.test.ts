import { type ChildProcess, spawn } from "node:child_process";
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  realpathSync,
  rmSync,
  writeFileSync,
} from "node:fs";
import { hostname, tmpdir } from "node:os";
import path from "node:path";
import { deploy } from "../commands/deploy";
import { destroy } from "../commands/destroy";
import { recover } from "../commands/recover";
import { DEFAULTS } from "../rehearsal/cloud/cloud-settings";
import { LocalCloud } from "./local-cloud";

jest.mock("../commands/synthesis", () => ({
  ...jest.requireActual<object>("../commands/synthesis"),
  synthesize: jest.fn(),
}));

/** Made-up: writes down how it was called; its state is a file beside it. */
const FAKE_TERRAFORM = `#!/bin/sh
if [ "$1" = version ]; then
  echo '{"terraform_version":"1.11.4"}'
  exit 0
fi
shift
echo "$*" >> "$FAKE_LOG"
[ "$1 $2" != "state pull" ] || cat "$FAKE_STATE" 2> /dev/null
if [ "$1 $2" = "state push" ]; then
  [ -z "$FAKE_FULL" ] || { echo "The storage quota has been exceeded" >&2; exit 1; }
  cp "$3" "$FAKE_STATE"
fi
[ "$1" != apply-for-long ] || read -r end
exit 0
`;

const STACK = {
  terraform: { backend: { local: { path: "../../../terraform.dev.tfstate" } } },
  provider: {
    google: [{ project: DEFAULTS.project, default_labels: { env: "dev" } }],
  },
  resource: {
    google_service_account: {
      train: { account_id: "train-sa", display_name: "Trains" },
    },
    google_storage_bucket: {
      source: { name: "the-source", location: "us-central1" },
    },
    google_secret_manager_secret: { token: { secret_id: "HF_TOKEN" } },
    google_secret_manager_secret_version: {
      token: { secret: "${google_secret_manager_secret.token.id}" },
    },
    null_resource: { run: {} },
  },
};

const SERVICE_ACCOUNT = `projects/${DEFAULTS.project}/serviceAccounts/train-sa@${DEFAULTS.project}.iam.gserviceaccount.com`;

jest.setTimeout(20_000);

let root: string;
let stack: string;
let cloud: LocalCloud;
let children: ChildProcess[];
let output: string;

beforeEach(async () => {
  root = realpathSync(mkdtempSync(path.join(tmpdir(), "tuneserve-recover-")));
  stack = path.join(root, "cdktf.out/stacks/dev");
  mkdirSync(path.join(root, "bin"));
  mkdirSync(stack, { recursive: true });
  writeFileSync(path.join(root, "bin/terraform"), FAKE_TERRAFORM, {
    mode: 0o755,
  });
  writeFileSync(
    path.join(root, "cdktf.out/manifest.json"),
    JSON.stringify({
      stacks: { dev: { name: "dev", workingDirectory: "stacks/dev" } },
    }),
  );
  synthesized(STACK);
  cloud = await LocalCloud.start();
  children = [];
  output = "";
  const take = (text: string) => (output += `${text}\n`);
  jest.spyOn(console, "log").mockImplementation(take);
  jest.spyOn(console, "error").mockImplementation(take);
});

afterEach(async () => {
  jest.restoreAllMocks();
  children.forEach((child) => child.kill("SIGKILL"));
  await cloud.close();
  rmSync(root, { recursive: true, force: true });
});

const synthesized = (json: object) =>
  writeFileSync(path.join(stack, "cdk.tf.json"), JSON.stringify(json));
const env = () => ({
  PATH: `${path.join(root, "bin")}:${process.env["PATH"]}`,
  FAKE_LOG: path.join(root, "calls"),
  FAKE_STATE: path.join(root, "state"),
  HF_TOKEN: "hf_marker",
  ...cloud.env,
});
const surroundings = () => ({ env: env(), root, google: cloud.client });
const recovered = (...argv: string[]) => recover(argv, surroundings());
const calls = () => readFileSync(path.join(root, "calls"), "utf8");
const imports = () => {
  const file = path.join(stack, "imports.tf.json");
  return existsSync(file)
    ? JSON.parse(readFileSync(file, "utf8")).import
    : undefined;
};
const inState = (...addresses: string[]) =>
  writeFileSync(
    path.join(root, "state"),
    JSON.stringify({
      resources: addresses.map((address) => {
        const [type, name] = address.split(".");
        return {
          mode: "managed",
          type,
          name,
          instances: [{ attributes: { version: "1" } }],
        };
      }),
    }),
  );
const lockNote = (who: string) => ({
  ID: "11111111-2222",
  Operation: "OperationTypeApply",
  Who: who,
  Created: "2026-11-24T21:00:00Z",
});
const secret = (labels: object) =>
  cloud.post(
    "secretmanager",
    `projects/${DEFAULTS.project}/secrets`,
    { replication: { automatic: {} }, labels },
    { secretId: "HF_TOKEN" },
  );
const trainAccount = (displayName: string) =>
  cloud.post("iam", `projects/${DEFAULTS.project}/serviceAccounts`, {
    accountId: "train-sa",
    serviceAccount: { displayName },
  });

test("there is nothing to recover where nothing was killed", async () => {
  expect(await recovered()).toBe(0);

  expect(output).toContain("The state of environment dev is empty.");
  expect(output).toContain("There is nothing to recover.");
  expect(imports()).toBeUndefined();
});

test("what exists and is not in the state is written into import blocks", async () => {
  await trainAccount("Trains");
  await cloud.bucket("the-source", { labels: { env: "dev" } });
  inState("google_storage_bucket.source");

  expect(await recovered("--yes")).toBe(0);

  expect(imports()).toEqual([
    { to: "google_service_account.train", id: SERVICE_ACCOUNT },
  ]);
  expect(output).toContain("Go on with npm run deploy.");
});

test("what somebody else made under the same names is left alone", async () => {
  await trainAccount("Made by hand");
  await cloud.bucket("the-source", { labels: { env: "prod" } });

  expect(await recovered("--yes")).toBe(0);

  expect(output).toMatch(
    /were not made by it, and stay as they are .*\n  google_service_account\.train\n.*\n  google_storage_bucket\.source\n/,
  );
  expect(imports()).toBeUndefined();
});

test("a token's version is destroyed and never imported", async () => {
  await secret({ env: "dev" });
  const name = `projects/${DEFAULTS.project}/secrets/HF_TOKEN`;
  await cloud.post("secretmanager", `${name}:addVersion`, {
    payload: { data: Buffer.from("hf_marker").toString("base64") },
  });

  expect(await recovered("--yes")).toBe(0);

  const version = await cloud.get("secretmanager", `${name}/versions/1`);
  expect(version.state).toBe("DESTROYED");
  expect(imports()).toEqual([
    { to: "google_secret_manager_secret.token", id: name },
  ]);
  expect(output).toContain("have HF_TOKEN exported");
  expect(output).not.toContain("hf_marker");
});

describe("a budget and who is told of it", () => {
  const ACCOUNT = `billingAccounts/${DEFAULTS.billingAccount}`;
  const CHANNELS = `v3/projects/${DEFAULTS.project}/notificationChannels`;
  const declared = (billing_account: string) =>
    synthesized({
      ...STACK,
      resource: {
        google_billing_budget: {
          monthly: { billing_account, display_name: "tuneserve dev" },
        },
        google_monitoring_notification_channel: {
          ada: { display_name: "ada@example.com", type: "email" },
        },
      },
    });
  const channel = (displayName = "ada@example.com") =>
    cloud.post("monitoring", CHANNELS, {
      ...{ displayName, type: "email" },
      labels: { email_address: "ada@example.com" },
    });
  const budget = (displayName = "tuneserve dev") =>
    cloud.client.request<{ name: string }>({
      service: "billingbudgets",
      path: `${ACCOUNT}/budgets`,
      method: "POST",
      quotaProject: DEFAULTS.project,
      body: { displayName, amount: { specifiedAmount: { units: "7" } } },
    });

  test.each([
    ["the project's own account", "${data.google_project.p.billing_account}"],
    ["an account of its own", DEFAULTS.billingAccount],
  ])("are found by their display names: %s", async (_which, account) => {
    declared(account);
    await channel("eve@example.com");
    await budget("another");
    const [{ name: told }, { name }] = [await channel(), await budget()];

    expect(await recovered("--yes")).toBe(0);

    expect(imports()).toEqual([
      { to: "google_billing_budget.monthly", id: name },
      { to: "google_monitoring_notification_channel.ada", id: told },
    ]);
  });

  test("are found on a later page of the list", async () => {
    declared(DEFAULTS.billingAccount);
    const { kept } = cloud.server.cloud.state;
    for (let number = 0; number < 100; number++) {
      const name = `${ACCOUNT}/budgets/${number}`;
      kept[name] = { name, displayName: `of another stack ${number}` };
    }
    const { name } = await budget();

    expect(await recovered("--yes")).toBe(0);

    expect(imports()).toEqual([
      { to: "google_billing_budget.monthly", id: name },
    ]);
  });

  test("are left to the user where there are two of them", async () => {
    declared(DEFAULTS.billingAccount);
    const [one, two] = [await budget(), await budget()];

    expect(await recovered("--yes")).toBe(0);

    expect(output).toContain(
      `google_billing_budget.monthly may be any of ${one.name}, ${two.name}: delete those that nothing uses`,
    );
    expect(imports()).toBeUndefined();
  });

  test("are nowhere while their APIs are off", async () => {
    declared("${data.google_project.p.billing_account}");
    for (const api of ["cloudbilling", "billingbudgets", "monitoring"]) {
      delete cloud.server.cloud.state.apis[`${api}.googleapis.com`];
    }

    expect(await recovered("--yes")).toBe(0);

    expect(output).toContain("There is nothing to recover.");
    expect(output).not.toContain("Could not find out");
  });
});

describe("after an apply that could not save its state", () => {
  const unsaved = () => path.join(stack, "errored.tfstate");
  const state = (serial: number, ...types: string[]) =>
    JSON.stringify({
      ...{ version: 4, lineage: "l", serial },
      resources: types.map((type) => ({
        ...{ mode: "managed", type, name: "train" },
        instances: [{ attributes: {} }],
      })),
    });
  const left = (serial: number, ...types: string[]) =>
    writeFileSync(unsaved(), state(serial, ...types));

  test("that is saved, and what is in it is imported no more", async () => {
    await trainAccount("Trains");
    writeFileSync(path.join(root, "state"), state(1));
    left(2, "google_service_account");

    expect(await recovered("--yes")).toBe(0);

    expect(output).toContain("with 1 resources, to be saved:");
    expect(calls()).toContain(`state push ${unsaved()}\n`);
    expect(existsSync(unsaved())).toBe(false);
    expect(imports()).toBeUndefined();
  });

  test.each([
    ["has moved on", state(2)],
    ["is of another beginning", state(1).replace('"l"', '"m"')],
  ])(
    "that is set aside, where the saved one %s, and what exists is imported",
    async (_how, saved) => {
      await trainAccount("Trains");
      writeFileSync(path.join(root, "state"), saved);
      left(2, "google_service_account");

      expect(await recovered("--yes")).toBe(0);

      expect(output).toContain("since when another was saved, to be set aside");
      expect(calls()).not.toContain("state push");
      expect(existsSync(unsaved())).toBe(false);
      expect(readFileSync(`${unsaved()}.outdated`, "utf8")).toBe(
        state(2, "google_service_account"),
      );
      expect(imports()).toHaveLength(1);
    },
  );

  test.each(["", '{"version": 4, "resou', "null"])(
    "fails when it is %j, and keeps it",
    async (text) => {
      writeFileSync(unsaved(), text);

      await expect(recover(["--yes"], surroundings())).rejects.toThrow(
        /errored\.tfstate is no state .* Move it elsewhere/,
      );
      expect(existsSync(unsaved())).toBe(true);
    },
  );

  test("fails when it still cannot be saved, and keeps it", async () => {
    left(2, "google_service_account");
    const full = { ...surroundings(), env: { ...env(), FAKE_FULL: "1" } };

    await expect(recover(["--yes"], full)).rejects.toThrow(
      /quota has been exceeded\nThe state stays in .*run npm run recover again/,
    );
    expect(existsSync(unsaved())).toBe(true);
  });

  test.each([
    ["deploy", deploy],
    ["destroy", destroy],
  ])("fails when %s comes before npm run recover", async (_name, command) => {
    left(2);

    await expect(command(["--auto-approve"], surroundings())).rejects.toThrow(
      /errored\.tfstate\. Mend .* then npm run recover/,
    );
  });
});

test("the note of a local lock is removed", async () => {
  const note = path.join(root, ".terraform.dev.tfstate.lock.info");
  writeFileSync(note, JSON.stringify(lockNote(`me@${hostname()}`)));

  expect(await recovered("--yes")).toBe(0);

  expect(output).toContain("OperationTypeApply by me@");
  expect(existsSync(note)).toBe(false);
});

describe("with the state in Cloud Storage", () => {
  let generation: string;
  const lock = async (who: string) => {
    synthesized({
      ...STACK,
      terraform: { backend: { gcs: { bucket: "state", prefix: "t/dev" } } },
    });
    await cloud.bucket("state");
    const stored = await cloud.upload(
      "state",
      "t/dev/default.tflock",
      JSON.stringify(lockNote(who)),
    );
    generation = stored.generation;
  };

  test("a lock is removed by the generation that the backend calls its id", async () => {
    await lock(`me@${hostname()}`);

    expect(await recovered("--yes")).toBe(0);

    expect(calls()).toContain(`force-unlock -force ${generation}\n`);
  });

  test("fails when another machine made the lock and nobody names it", async () => {
    await lock("runner@elsewhere");

    await expect(recovered("--yes")).rejects.toThrow(
      `npm run recover -- --yes --lock ${generation}`,
    );
    expect(calls()).not.toContain("force-unlock");
    expect(await recovered("--yes", "--lock", generation)).toBe(0);
    expect(calls()).toContain("force-unlock");
  });
});

test("fails when Terraform still works on the stack", async () => {
  const child = spawn(
    path.join(root, "bin/terraform"),
    [`-chdir=${stack}`, "apply-for-long"],
    { env: env(), stdio: ["pipe", "ignore", "ignore"] },
  );
  children.push(child);
  await new Promise((started) => child.once("spawn", started));

  await expect(recovered("--yes")).rejects.toThrow(
    `have it end in good order: kill -INT ${child.pid}`,
  );
});

test("fails when there is something to recover, no terminal and no --yes", async () => {
  await trainAccount("Trains");

  await expect(recovered()).rejects.toThrow("npm run recover -- --yes");
  expect(imports()).toBeUndefined();
});

test("fails when an option is mistyped", async () => {
  await expect(recovered("--yess")).rejects.toThrow("Did you mean --yes?");
});

test("a deploy that succeeds takes the import blocks away", async () => {
  await trainAccount("Trains");
  await recovered("--yes");

  expect(await deploy(["--auto-approve"], surroundings())).toBe(0);

  expect(imports()).toBeUndefined();
});

test("a destroy takes in first what was recovered", async () => {
  await trainAccount("Trains");
  await recovered("--yes");

  await destroy(["--auto-approve"], surroundings());

  expect(calls()).toContain(
    `import -input=false google_service_account.train ${SERVICE_ACCOUNT}\n`,
  );
  expect(imports()).toBeUndefined();
});
