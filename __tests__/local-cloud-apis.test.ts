import { DEFAULTS } from "../rehearsal/cloud/cloud-settings";
import { LocalCloud } from "./local-cloud";

const PROJECT = `projects/${DEFAULTS.project}`;

describe("a local Google Cloud", () => {
  let cloud: LocalCloud;
  beforeAll(async () => (cloud = await LocalCloud.start()));
  afterAll(() => cloud.close());

  test("knows its project by id and by number", async () => {
    for (const project of [DEFAULTS.project, DEFAULTS.projectNumber]) {
      expect(await cloud.get("resourcemanager", `projects/${project}`)).toEqual(
        expect.objectContaining({ projectId: DEFAULTS.project }),
      );
    }
  });

  test.each<[string, object, string]>([
    [
      "an unknown field",
      { accountId: "train-sa", colour: "red" },
      `400 Invalid JSON payload received. Unknown name "colour": Cannot find field.`,
    ],
    [
      "an unknown field further down",
      { accountId: "train-sa", serviceAccount: { size: 1 } },
      `400 Invalid JSON payload received. Unknown name "size" at 'serviceAccount': Cannot find field.`,
    ],
    [
      "a wrong type",
      { accountId: 7 },
      "400 Invalid value at 'accountId' (TYPE_STRING), 7",
    ],
    [
      "a missing required field",
      {},
      "400 accountId: Required field is missing.",
    ],
  ])("fails when a body has %s", async (_what, body, message) => {
    expect(
      await cloud.refusal(
        cloud.post("iam", `${PROJECT}/serviceAccounts`, body),
      ),
    ).toBe(message);
  });

  test("fails when a query has an unknown parameter", async () => {
    expect(
      await cloud.refusal(
        cloud.get("secretmanager", `${PROJECT}/secrets`, { colour: "red" }),
      ),
    ).toContain(`400 Invalid JSON payload received. Unknown name "colour"`);
  });

  test("fails when the token is not one of its own", async () => {
    const call = cloud
      .clientOf("made-up")
      .request({ service: "iam", path: `${PROJECT}/serviceAccounts` });

    expect(await cloud.refusal(call)).toContain("Google refused the token");
  });

  test("fails when the project is another one", async () => {
    expect(
      await cloud.refusal(cloud.get("secretmanager", "projects/other/secrets")),
    ).toBe("403 Permission denied on resource project other.");
  });

  test("gives a secret's payload to its accessors only", async () => {
    const path = `${PROJECT}/secrets/token`;
    await cloud.account("reader-sa");
    await cloud.post(
      "secretmanager",
      `${PROJECT}/secrets`,
      { replication: { automatic: {} } },
      { secretId: "token" },
    );
    await cloud.post("secretmanager", `${path}:addVersion`, {
      payload: { data: Buffer.from("hush").toString("base64") },
    });
    const access = () =>
      cloud.as("reader-sa").request<any>({
        service: "secretmanager",
        path: `${path}/versions/latest:access`,
      });

    expect(await cloud.refusal(access())).toContain(
      "403 Permission 'secretmanager.versions.access' denied",
    );
    await cloud.post("secretmanager", `${path}:setIamPolicy`, {
      policy: {
        bindings: [
          {
            role: "roles/secretmanager.secretAccessor",
            members: [`serviceAccount:${cloud.email("reader-sa")}`],
          },
        ],
      },
    });
    const { payload } = await access();
    expect(Buffer.from(payload.data, "base64").toString()).toBe("hush");
  });

  test("fails when a secret's payload is empty", async () => {
    expect(
      await cloud.refusal(
        cloud.post("secretmanager", `${PROJECT}/secrets/token:addVersion`, {
          payload: { data: "" },
        }),
      ),
    ).toBe("400 Secret Payload cannot be empty.");
  });

  test("fails when a policy was changed meanwhile", async () => {
    const { etag } = await cloud.post(
      "resourcemanager",
      `${PROJECT}:getIamPolicy`,
    );
    const set = () =>
      cloud.post("resourcemanager", `${PROJECT}:setIamPolicy`, {
        policy: {
          etag,
          bindings: [
            { role: "roles/owner", members: [`user:${DEFAULTS.user}`] },
          ],
        },
      });

    await set();
    expect(await cloud.refusal(set())).toContain(
      "409 There were concurrent policy changes.",
    );
  });
});

describe("a local Google Cloud with delays", () => {
  let cloud: LocalCloud;
  beforeAll(
    async () =>
      (cloud = await LocalCloud.start({ enableDelay: 0.3, iamDelay: 0.3 })),
  );
  afterAll(() => cloud.close());

  test("answers SERVICE_DISABLED until an API was enabled, and for a while after", async () => {
    const list = () =>
      cloud.refusal(cloud.get("storage", "b", { project: DEFAULTS.project }));

    expect(await list()).toMatch(
      /^403 Cloud Storage JSON API has not been used/,
    );
    await cloud.post(
      "serviceusage",
      `${PROJECT}/services/storage.googleapis.com:enable`,
    );
    expect(await list()).toMatch(
      /^403 Cloud Storage JSON API has not been used/,
    );
    await new Promise((later) => setTimeout(later, 350));
    expect(await list()).toBe("(not refused)");
  });

  test("lets a grant, and its end, take effect only later", async () => {
    const { access, project } = cloud.server.cloud;
    const may = () => access.allows("user:ada@example.com", "run.jobs.run");
    const owner = { role: "roles/owner", members: [`user:${DEFAULTS.user}`] };
    const developer = {
      role: "roles/run.developer",
      members: ["user:ada@example.com"],
    };

    access.setPolicy(project, { bindings: [owner, developer] });
    expect(may()).toBe(false);
    await new Promise((later) => setTimeout(later, 350));
    expect(may()).toBe(true);
    access.setPolicy(project, { bindings: [owner] });
    expect(may()).toBe(true);
    await new Promise((later) => setTimeout(later, 350));
    expect(may()).toBe(false);
  });
});
