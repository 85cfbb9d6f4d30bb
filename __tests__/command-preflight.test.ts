import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import path from "node:path";
import { type Http, http } from "../commands/http";
import { preflight } from "../commands/preflight";
import { budgetPermissions } from "../commands/preflight/budget";
import { credentials } from "../commands/preflight/credentials";
import type { Check, Preflight } from "../commands/preflight/finding";
import { network } from "../commands/preflight/network";
import {
  allowsLocation,
  locations,
  traffic,
} from "../commands/preflight/organization-policies";
import { permissions } from "../commands/preflight/permissions";
import {
  apisByHand,
  billing,
  modelsBucket,
  project,
} from "../commands/preflight/project";
import { quotas } from "../commands/preflight/quota";
import { sources } from "../commands/preflight/sources";
import { nodeVersion, terraformVersion } from "../commands/preflight/tools";
import { training } from "../commands/preflight/training";
import { readSettings } from "../constructs/read-settings";
import { googleClient } from "../provision/google-client";

type Answer = [number, unknown];
type Raw = Record<string, unknown>;

let server: Server;
let local: string;
/** By "METHOD /service/path"; a function is given the request's body. */
let answers: Record<string, Answer | ((body: string) => Answer)>;
let requests: { line: string; authorization: string | undefined }[];

beforeEach(async () => {
  answers = {};
  requests = [];
  server = createServer((request, response) => {
    let body = "";
    request.on("data", (chunk) => (body += chunk));
    request.on("end", () => {
      const line = `${request.method} ${request.url?.replace(/\?.*/, "")}`;
      requests.push({ line, authorization: request.headers.authorization });
      const answer = answers[line] ?? [404, { error: { code: 404 } }];
      const [status, data] =
        typeof answer === "function" ? answer(body) : answer;
      response.writeHead(status, { "content-type": "application/json" });
      response.end(JSON.stringify(data));
    });
  });
  await new Promise<void>((done) => server.listen(0, "127.0.0.1", done));
  local = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
});

afterEach(async () => {
  server.closeAllConnections();
  await new Promise((done) => server.close(done));
});

/** Other hosts become the first part of the path. */
const toLocalServer: Http = (url, request) =>
  http(fetch)(
    url.startsWith(local) ? url : url.replace("https:/", local),
    request,
  );

function given(
  environment: Raw = {},
  extra: NodeJS.ProcessEnv = {},
): Preflight {
  const dev = {
    projectId: "proj-a",
    region: "us-central1",
    models: { m: {} },
    ...environment,
  };
  const { dev: settings } = readSettings({ environments: { dev } }, {});
  if (!settings) throw new Error("no settings");
  const env = {
    GOOGLE_OAUTH_ACCESS_TOKEN: "secret-token",
    GOOGLE_RESOURCE_MANAGER_CUSTOM_ENDPOINT: `${local}/rm/v1/`,
    GOOGLE_SERVICE_USAGE_CUSTOM_ENDPOINT: `${local}/usage/v1/`,
    GOOGLE_COMPUTE_CUSTOM_ENDPOINT: `${local}/compute/v1/`,
    GOOGLE_STORAGE_CUSTOM_ENDPOINT: `${local}/storage/v1/`,
    GOOGLE_CLOUD_BILLING_CUSTOM_ENDPOINT: `${local}/billing/v1/`,
    HF_ENDPOINT: `${local}/hub`,
    ...extra,
  };
  return {
    settings,
    env,
    google: googleClient(env, { fetchImplementation: fetch }),
    http: toLocalServer,
    accessToken: () => Promise.resolve("secret-token"),
  };
}

/** "status what: detail" of each finding, and the remedies. */
async function found(check: Check, preflight = given()) {
  const findings = await check(preflight);
  return {
    statuses: findings.map(({ status }) => status),
    text: findings
      .map((f) => `${f.status} ${f.what}: ${f.detail} => ${f.remedy ?? ""}`)
      .join("\n"),
  };
}

const PROJECT = "GET /rm/v1/projects/proj-a";

describe("tools", () => {
  test.each([
    ["20.8.0", "fail"],
    ["20.9.0", "pass"],
    ["22.1.0", "pass"],
    ["23.0.0", "fail"],
    ["18.20.0", "fail"],
  ])("Node %s: %s", async (version, status) => {
    expect((await found(nodeVersion(version))).statuses).toEqual([status]);
  });

  test("a missing Terraform fails", async () => {
    const env = { TERRAFORM_BINARY_NAME: "no-such-terraform" };
    const { text } = await found(terraformVersion, given({}, env));
    expect(text).toMatch(/^fail Terraform: .*no 'no-such-terraform'/);
  });
});

describe("credentials", () => {
  const TOKENINFO = "POST /oauth2.googleapis.com/tokeninfo";

  test("pass with their owner and source, and tell when a bare token ends", async () => {
    answers[TOKENINFO] = (body) => [
      new URLSearchParams(body).get("access_token") === "secret-token"
        ? 200
        : 400,
      { email: "ada@example.com", expires_in: "1800" },
    ];
    const { statuses, text } = await found(credentials);
    expect(statuses).toEqual(["pass", "warn"]);
    expect(text).toContain("ada@example.com, from GOOGLE_OAUTH_ACCESS_TOKEN");
    expect(text).toContain("ends in 30 minutes");
    expect(text).not.toContain("secret-token");
  });

  test("fail when Google refuses them", async () => {
    answers[TOKENINFO] = [400, { error: "invalid_token" }];
    const { text } = await found(credentials);
    expect(text).toMatch(/^fail .*expired.*gcloud auth print-access-token/);
  });

  test("fail when there are none", async () => {
    const { text } = await found(credentials, {
      ...given(),
      accessToken: () => Promise.reject(new Error("none here")),
    });
    expect(text).toMatch(
      /^fail .*none here => gcloud auth application-default/,
    );
  });
});

describe("the project", () => {
  test("passes when it is active", async () => {
    answers[PROJECT] = [200, { lifecycleState: "ACTIVE", projectNumber: "12" }];
    expect((await found(project)).statuses).toEqual(["pass"]);
  });

  test.each([
    [200, { lifecycleState: "DELETE_REQUESTED" }, "DELETE_REQUESTED"],
    [403, { error: { code: 403, message: "denied" } }, "does not exist, or"],
    [
      403,
      { error: { code: 403, details: [{ reason: "SERVICE_DISABLED" }] } },
      "gcloud services enable serviceusage.googleapis.com",
    ],
  ])("fails on %i %j", async (status, body, message) => {
    answers[PROJECT] = [status, body];
    const { statuses, text } = await found(project);
    expect(statuses).toEqual(["fail"]);
    expect(text).toContain(message);
  });

  test("fails when an API that is enabled by hand is not", async () => {
    const usage = "GET /usage/v1/projects/proj-a/services/";
    answers[`${usage}serviceusage.googleapis.com`] = [
      200,
      { state: "ENABLED" },
    ];
    answers[`${usage}cloudresourcemanager.googleapis.com`] = [
      200,
      { state: "DISABLED" },
    ];
    const { statuses, text } = await found(apisByHand);
    expect(statuses).toEqual(["pass", "fail"]);
    expect(text).toContain("--project proj-a");
  });

  test.each([
    [200, { billingEnabled: true }, "pass"],
    [200, { billingEnabled: false }, "fail"],
    [200, {}, "fail"],
    [403, {}, "warn"],
  ])("billing that answers %i %j: %s", async (status, body, expected) => {
    answers["GET /billing/v1/projects/proj-a/billingInfo"] = [status, body];
    expect((await found(billing)).statuses).toEqual([expected]);
  });

  test.each([
    [404, {}, "123", "pass"],
    [200, { projectNumber: "123", location: "US-CENTRAL1" }, "123", "pass"],
    [200, { projectNumber: "123", location: "ASIA" }, "123", "fail"],
    [200, { projectNumber: "999", location: "US-CENTRAL1" }, "123", "fail"],
    [403, {}, "123", "fail"],
  ])(
    "bucket %i %j in project %s: %s",
    async (status, body, number, expected) => {
      answers["GET /storage/v1/b/proj-a-codelab-finetuning-jobs"] = [
        status,
        body,
      ];
      answers[PROJECT] = [200, { projectNumber: number }];
      expect((await found(modelsBucket)).statuses).toEqual([expected]);
    },
  );
});

describe("permissions", () => {
  const TEST = "POST /rm/v1/projects/proj-a:testIamPermissions";

  test("pass when all are held", async () => {
    answers[TEST] = (body) => [200, JSON.parse(body)];
    expect((await found(permissions)).statuses).toEqual(["pass"]);
  });

  test("fail with the role for what is missing", async () => {
    answers[TEST] = (body) => {
      const asked = (JSON.parse(body) as { permissions: string[] }).permissions;
      return [
        200,
        { permissions: asked.filter((name) => !name.startsWith("run.jobs")) },
      ];
    };
    const { statuses, text } = await found(permissions);
    expect(statuses).toEqual(["fail"]);
    expect(text).toContain("missing: run.jobs.create, run.jobs.delete");
    expect(text).toContain("--role roles/run.admin");
  });

  test("warn an owner, who holds some on the buckets alone that they make", async () => {
    answers[TEST] = (body) => {
      const asked = (JSON.parse(body) as { permissions: string[] }).permissions;
      const held = asked.filter((name) => !name.startsWith("storage.objects."));
      return [200, { permissions: held }];
    };
    const { statuses, text } = await found(permissions);
    expect(statuses).toEqual(["warn"]);
    expect(text).toContain(
      "not held on the project: storage.objects.create, storage.objects.get, storage.objects.list; owners and editors get them",
    );
  });

  test("are asked for the channels of a budget that tells somebody", async () => {
    answers[TEST] = (body) => {
      const asked = (JSON.parse(body) as { permissions: string[] }).permissions;
      const held = asked.filter((name) => !name.startsWith("monitoring."));
      return [200, { permissions: held }];
    };
    const budget = { amount: 500, emails: ["ada@example.com"] };

    const { text } = await found(permissions, given({ budget }));

    expect(text).toContain("--role roles/monitoring.notificationChannelEditor");
    expect((await found(permissions)).statuses).toEqual(["pass"]);
  });
});

describe("permissions for the budget", () => {
  const TEST = (account: string) =>
    `POST /billing/v1/billingAccounts/${account}:testIamPermissions`;
  const OWN = "0AAAAA-BBBBBB-CCCCCC";
  const OTHER = "012345-6789AB-CDEF01";
  const budget = { amount: 500 };
  const asked = (body: string) => JSON.parse(body) as { permissions: string[] };

  beforeEach(() => {
    answers["GET /billing/v1/projects/proj-a/billingInfo"] = [
      200,
      { billingAccountName: `billingAccounts/${OWN}` },
    ];
  });

  test("pass when all are held on the project's billing account", async () => {
    answers[TEST(OWN)] = (body) => [200, asked(body)];

    const { statuses, text } = await found(
      budgetPermissions,
      given({ budget }),
    );

    expect(statuses).toEqual(["pass"]);
    expect(text).toContain(OWN);
  });

  test("fail with the role for what is missing on the account that is set", async () => {
    answers[TEST(OTHER)] = [200, { permissions: ["billing.budgets.get"] }];

    const { statuses, text } = await found(
      budgetPermissions,
      given({ budget: { ...budget, billingAccount: OTHER } }),
    );

    expect(statuses).toEqual(["fail"]);
    expect(text).toContain(
      `missing on ${OTHER}: billing.budgets.create, billing.budgets.update`,
    );
    expect(text).toContain("--role roles/billing.costsManager");
  });

  test("warn when they cannot be looked at", async () => {
    answers[TEST(OWN)] = [403, { error: { code: 403, message: "no" } }];

    const { statuses, text } = await found(
      budgetPermissions,
      given({ budget }),
    );

    expect(statuses).toEqual(["warn"]);
    expect(text).toContain(`add-iam-policy-binding ${OWN}`);
  });

  test("are not asked for without a budget", async () => {
    expect((await found(budgetPermissions)).statuses).toEqual([]);
    expect(requests).toEqual([]);
  });
});

describe("organization policies", () => {
  const POLICY = "POST /rm/v1/projects/proj-a:getEffectiveOrgPolicy";
  const policies = (byConstraint: Record<string, object>) => {
    answers[POLICY] = (body) => {
      const { constraint } = JSON.parse(body) as { constraint: string };
      const listPolicy = byConstraint[constraint.replace("constraints/", "")];
      return [200, { constraint, ...(listPolicy ? { listPolicy } : {}) }];
    };
  };

  test.each([
    [{}, "global", true],
    [{ allValues: "DENY" }, "us-central1", false],
    [{ allowedValues: ["in:us-locations"] }, "us-central1", true],
    [{ allowedValues: ["in:us-locations"] }, "global", false],
    [{ allowedValues: ["in:us-central1-locations"] }, "us-central1", true],
    [{ allowedValues: ["in:eu-locations"] }, "europe-west4", true],
    [{ allowedValues: ["in:eu-locations"] }, "europe-west2", false],
    [{ allowedValues: ["europe-west1"] }, "europe-west4", false],
    [{ allowedValues: ["in:canada-locations"] }, "us-central1", null],
    [{ deniedValues: ["in:us-locations"] }, "us-central1", false],
    [{ deniedValues: ["in:some-group-locations"] }, "us-central1", null],
  ] as const)("%j and %s: %s", (policy, location, expected) => {
    expect(allowsLocation(policy, location)).toBe(expected);
  });

  test("pass where there are none", async () => {
    policies({});
    expect((await found(locations)).statuses).toEqual(["pass", "pass", "pass"]);
    expect((await found(traffic)).statuses).toEqual(["pass", "pass"]);
  });

  test("fail a secret that would be replicated everywhere", async () => {
    policies({ "gcp.resourceLocations": { allowedValues: ["us-central1"] } });
    const { statuses, text } = await found(locations);
    expect(statuses).toEqual(["pass", "pass", "fail"]);
    expect(text).toContain('token.replication, such as ["us-central1"]');
    const regional = { token: { replication: ["us-central1"] } };
    expect((await found(locations, given(regional))).statuses).toEqual([
      "pass",
      "pass",
      "pass",
    ]);
  });

  test("fail builds in global where only a region is allowed", async () => {
    policies({ "gcp.resourceLocations": { allowedValues: ["us-central1"] } });
    const { statuses } = await found(
      locations,
      given({ build: { location: "global" }, token: { source: "none" } }),
    );
    expect(statuses).toEqual(["pass", "fail"]);
  });

  test("fail an ingress and an egress that the organization refuses", async () => {
    policies({
      "run.allowedIngress": { allowedValues: ["internal"] },
      "run.allowedVPCEgress": { allowedValues: ["all-traffic"] },
    });
    const { statuses, text } = await found(traffic);
    expect(statuses).toEqual(["fail", "fail"]);
    expect(text).toContain("set serving.ingress to what it allows: internal");
  });
});

describe("the network", () => {
  const SUBNET =
    "GET /compute/v1/projects/proj-a/regions/us-central1/subnetworks/default";
  const subnetwork = (changes: object = {}): Answer => [
    200,
    {
      ipCidrRange: "10.128.0.0/20",
      network: "https://compute/projects/proj-a/global/networks/default",
      ...changes,
    },
  ];

  test.each([
    [{}, {}, "pass"],
    [{ ipCidrRange: "10.0.0.0/26" }, {}, "pass"],
    [{ ipCidrRange: "10.0.0.0/28" }, {}, "fail"],
    [{ ipCidrRange: undefined }, {}, "warn"],
    [{ network: "projects/p/global/networks/other" }, {}, "fail"],
    [{}, { egress: "all" }, "fail"],
    [{ privateIpGoogleAccess: true }, { egress: "all" }, "pass"],
  ])("%j with settings %j: %s", async (changes, settings, expected) => {
    answers[SUBNET] = subnetwork(changes);
    const { statuses } = await found(network, given({ network: settings }));
    expect(statuses).toEqual([expected]);
  });

  test("fails when the service alone reads the bucket through it, and cannot", async () => {
    const models = { gemma: { serving: { egress: "all" } } };
    answers[SUBNET] = subnetwork();

    expect((await found(network, given({ models }))).text).toMatch(
      /^fail .*no Private Google Access/,
    );
  });

  test("fails when it does not exist, and passes when none is used", async () => {
    expect((await found(network)).text).toMatch(/^fail .*does not exist/);
    const none = given({ network: "none" });
    expect((await found(network, none)).statuses).toEqual(["pass"]);
  });
});

describe("quota", () => {
  const METRICS =
    "GET /usage/v1beta1/projects/proj-a/services/run.googleapis.com/consumerQuotaMetrics";
  const L4 = "nvidia_l4_gpu_allocation_no_zonal_redundancy";
  const metric = (name: string, region: number | null, otherwise = 0) => ({
    metric: `run.googleapis.com/${name}`,
    consumerQuotaLimits: [
      {
        quotaBuckets: [
          { effectiveLimit: String(otherwise) },
          ...(region === null
            ? []
            : [
                {
                  effectiveLimit: String(region),
                  dimensions: { region: "us-central1" },
                },
              ]),
        ],
      },
    ],
  });
  const quota = (gpu: object, cpu = 100_000, memory = 2 ** 38) => {
    answers[METRICS] = [
      200,
      {
        metrics: [
          gpu,
          metric("cpu_allocation", cpu),
          metric("mem_allocation", memory),
        ],
      },
    ];
  };

  test.each([
    ["the region's", metric(L4, 3), "pass"],
    ["everybody's", metric(L4, null, 3), "pass"],
    ["no limit", metric(L4, -1), "pass"],
    ["thousandths", metric(L4, 2000), "pass"],
    ["enough for a first deployment only", metric(L4, 1), "warn"],
    ["none yet", metric(L4, 0), "warn"],
    ["not listed", metric("other", 3), "warn"],
  ])("of L4: %s", async (_, gpu, expected) => {
    quota(gpu);
    expect((await found(quotas)).statuses).toEqual([expected, "pass", "pass"]);
  });

  test("fails when it cannot hold the service at its largest", async () => {
    quota(metric(L4, 1));
    const models = { m: { serving: { maxInstances: 2 } } };
    const { statuses, text } = await found(quotas, given({ models }));
    expect(statuses[0]).toBe("fail");
    expect(text).toContain("request at least 3");
  });

  test("of RTX PRO 6000 is counted in thousandths", async () => {
    quota(metric("nvidia_rtx_pro_6000_gpu_allocation_no_zonal_redundancy", 3));
    const shape = {
      accelerator: "nvidia-rtx-pro-6000",
      cpu: 20,
      memory: "80Gi",
    };
    const models = { m: { training: shape, serving: shape } };
    const { statuses, text } = await found(quotas, given({ models }));
    expect(statuses[0]).toBe("fail");
    expect(text).toContain("0.003 GPUs, but 1 are needed");
  });

  test("of memory warns a small project that trains beside the service", async () => {
    quota(metric(L4, 3), 20_000, 42_949_672_960);
    const { statuses, text } = await found(quotas);
    expect(statuses).toEqual(["pass", "pass", "warn"]);
    expect(text).toContain("40 GiB: enough for a first deployment (32)");
  });
});

describe("base model and data set", () => {
  const HUB = "/hub/api/models/google/gemma-2b/revision/main";
  const FILE = "HEAD /hub/google/gemma-2b/resolve/main/config.json";
  const files = {
    siblings: [{ rfilename: "README.md" }, { rfilename: "config.json" }],
  };
  beforeEach(() => {
    answers[`GET ${HUB}`] = [200, files];
    answers["GET /hub/api/datasets/b-mc2/sql-create-context/revision/main"] = [
      200,
      files,
    ];
    answers[
      "HEAD /hub/datasets/b-mc2/sql-create-context/resolve/main/config.json"
    ] = [200, {}];
  });

  test("pass when the token may read the files", async () => {
    answers[FILE] = [200, {}];
    const token = { HF_TOKEN: "hf_canary" };
    const { statuses, text } = await found(sources, given({}, token));
    expect(statuses).toEqual(["pass", "pass"]);
    expect(text).not.toContain("hf_canary");
    expect(requests.map(({ authorization }) => authorization)).toEqual(
      Array(4).fill("Bearer hf_canary"),
    );
  });

  test.each([
    [{ HF_TOKEN: "t" }, "refuses the token (403)"],
    [{}, "needs a token, and HF_TOKEN is not set"],
  ])("fail when the files are gated, with %j", async (token, message) => {
    answers[FILE] = [403, {}];
    const { statuses, text } = await found(sources, given({}, token));
    expect(statuses).toEqual(["fail", "pass"]);
    expect(text).toContain(message);
    expect(text).toContain(
      `accept the conditions at ${local}/hub/google/gemma`,
    );
  });

  test("warn when the token is in an existing secret and cannot be tried", async () => {
    answers[FILE] = [401, {}];
    const existing = { token: { source: "existing" } };
    expect((await found(sources, given(existing))).statuses[0]).toBe("warn");
  });

  test("fail when the revision does not exist", async () => {
    delete answers[`GET ${HUB}`];
    expect((await found(sources)).text).toMatch(
      /^fail base model google\/gemma-2b: revision main does not exist/,
    );
  });

  test("are looked for in Cloud Storage, and not on this machine", async () => {
    answers["GET /storage/v1/b/data/o"] = [200, { items: [{}] }];
    const models = {
      m: { base: { id: "./model" }, dataset: { id: "gs://data/rows" } },
    };
    const { statuses } = await found(sources, given({ models }));
    expect(statuses).toEqual(["fail", "pass"]);
  });
});

describe("earlier versions that a training needs", () => {
  const models = {
    m: {
      training: { startFrom: "0123456789ab" },
      promotion: { mustBeat: "ba9876543210" },
    },
  };
  const LISTING = "GET /storage/v1/b/proj-a-codelab-finetuning-jobs/o";

  test("pass when they are published", async () => {
    answers[LISTING] = [200, { items: [{}] }];
    const { text } = await found(sources, given({ models }));
    expect(text).toMatch(
      /^pass adapter gs:\/\/proj-a-codelab-finetuning-jobs\/m\/0123456789ab\/adapter: exists/m,
    );
    expect(text).toMatch(
      /^pass incumbent gs:\/\/proj-a-codelab-finetuning-jobs\/m\/ba9876543210: exists/m,
    );
  });

  test("fail when they are not", async () => {
    answers[LISTING] = [200, {}];
    const { text } = await found(sources, given({ models }));
    expect(text).toMatch(/^fail adapter .*nothing at that address/m);
    expect(text).toMatch(/^fail incumbent .*nothing at that address/m);
  });
});

describe("the training's limits", () => {
  const line = async (model: Raw, environment: Raw = {}) =>
    (await found(training, given({ models: { m: model }, ...environment })))
      .text;

  test("name steps, the budget for scoring and the bill", async () => {
    expect(await line({})).toBe(
      "pass training of m: up to 500 steps of 2 rows; answering 500 held-out rows takes at most 15 min 0 s, 21 min 0 s with the models to compare with; an execution is at most 4 × 1 h 0 min, $5.68 at $1.42 an hour (2026-08) => ",
    );
  });

  test("follow the settings", async () => {
    expect(
      await line({
        dataset: { limit: -1 },
        training: {
          gradientAccumulationSteps: 1,
          evaluationRows: 0,
          timeoutSeconds: 1800,
          retries: 0,
        },
      }),
    ).toContain(
      "all rows, steps of 1 row; nothing is scored; an execution is at most 1 × 30 min 0 s, $0.71",
    );
    expect(await line({ training: { maxSteps: 130 } })).toContain("130 steps");
  });

  test("name no price where none is known, and no training where none is", async () => {
    expect(await line({}, { region: "asia-southeast1" })).toContain(
      "the price of nvidia-l4 in asia-southeast1 is not known here",
    );
    expect(await line({ pin: "0123456789ab" })).toBe("");
  });
});

describe("npm run preflight", () => {
  const root = mkdtempSync(path.join(tmpdir(), "tuneserve-preflight-"));
  afterAll(() => rmSync(root, { recursive: true, force: true }));

  async function run(environments: Raw) {
    writeFileSync(
      path.join(root, "cdktf.json"),
      JSON.stringify({ context: { environments } }),
    );
    const { env, google } = given();
    let output = "";
    jest
      .spyOn(console, "log")
      .mockImplementation((text) => (output += `${text}\n`) as never);
    try {
      const variables = { ...env, PATH: process.env["PATH"] };
      const code = await preflight([], {
        env: variables,
        root,
        google,
        http: toLocalServer,
      });
      return { code, output };
    } finally {
      jest.restoreAllMocks();
    }
  }
  const dev = { projectId: "proj-a", region: "us-central1", models: { m: {} } };

  test("warns about what it could not check, and never passes it", async () => {
    const denied: Answer = [403, { error: { code: 403, message: "no" } }];
    answers["POST /rm/v1/projects/proj-a:getEffectiveOrgPolicy"] = denied;
    answers["POST /rm/v1/projects/proj-a:testIamPermissions"] = denied;
    const { output } = await run({ dev });
    expect(output).toContain(
      "warn  permissions: could not be checked: POST resourcemanager projects/proj-a:testIamPermissions: 403 no",
    );
    expect(output).toContain(
      "warn  organization policy on locations: could not",
    );
    expect(output).toContain("warn  quota: could not be checked");
  });

  test("ends with 1 and a count when something fails", async () => {
    const { code, output } = await run({ dev });
    expect(code).toBe(1);
    expect(output).toContain("FAIL  project proj-a: does not exist");
    expect(output).toMatch(/\d+ pass, \d+ warn, [1-9]\d* fail: mend these/);
    expect(output).not.toContain("secret-token");
    // eslint-disable-next-line no-control-regex
    expect(output).not.toMatch(/\u001b/);
  });

  test("fails when it does not know which environment is meant", async () => {
    const models = { m: { training: { job: "j" }, serving: { service: "s" } } };
    const prod = { projectId: "proj-b", region: "us-central1", models };
    await expect(run({ dev, prod })).rejects.toThrow(
      "--environment: dev, prod",
    );
  });
});
