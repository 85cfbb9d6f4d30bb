import { DEFAULTS } from "../rehearsal/cloud/cloud-settings";
import { LocalCloud } from "./local-cloud";

const ACCOUNT = `billingAccounts/${DEFAULTS.billingAccount}`;
const PROJECT = `projects/${DEFAULTS.project}`;
const NUMBER = `projects/${DEFAULTS.projectNumber}`;

const budget = (more: object = {}) => ({
  displayName: "monthly",
  budgetFilter: { projects: [PROJECT] },
  amount: { specifiedAmount: { units: "1000" } },
  ...more,
});

describe("the billing account of a local cloud", () => {
  let cloud: LocalCloud;
  beforeAll(async () => (cloud = await LocalCloud.start()));
  afterAll(() => cloud.close());

  /** Budget calls count to a project. */
  const budgets = (
    method: "GET" | "POST" | "PATCH" | "DELETE",
    name = "",
    body?: object,
    query = {},
    client = cloud.client,
  ) =>
    client.request<any>({
      service: "billingbudgets",
      path: name || `${ACCOUNT}/budgets`,
      method,
      query,
      quotaProject: DEFAULTS.project,
      retry: { deadlineSeconds: 0 },
      ...(body ? { body } : {}),
    });
  const create = (more: object = {}) => budgets("POST", "", budget(more));
  const channel = (labels: object, type = "email") =>
    cloud.post("monitoring", `v3/${PROJECT}/notificationChannels`, {
      displayName: "who is told",
      type,
      labels,
    });

  test("pays for the project, and its administrator holds what a budget needs", async () => {
    const { billingAccountName, billingEnabled } = await cloud.get(
      "cloudbilling",
      `${PROJECT}/billingInfo`,
    );
    const asked = ["billing.budgets.create", "storage.buckets.get"];
    const { permissions } = await cloud.post(
      "cloudbilling",
      `${ACCOUNT}:testIamPermissions`,
      { permissions: asked },
    );

    expect([billingAccountName, billingEnabled]).toEqual([ACCOUNT, true]);
    expect(permissions).toEqual(["billing.budgets.create"]);
  });

  test("lets in no owner of the project that it does not know", async () => {
    const email = await cloud.account("owner-sa");
    const { access, project } = cloud.server.cloud;
    access.setPolicy(project, {
      bindings: [
        ...access.policy(project).bindings,
        { role: "roles/owner", members: [`serviceAccount:${email}`] },
      ],
    });
    const call = budgets("POST", "", budget(), {}, cloud.as("owner-sa"));

    expect(await cloud.refusal(call)).toContain(
      `403 Permission 'billing.budgets.create' denied on resource '${ACCOUNT}'`,
    );
  });

  test("gives a budget back with Google's own additions, and the project by its number", async () => {
    const made = await create({ thresholdRules: [{ thresholdPercent: 0.5 }] });

    expect(made).toEqual({
      name: expect.stringMatching(`^${ACCOUNT}/budgets/[0-9a-f-]{36}$`),
      etag: expect.any(String),
      displayName: "monthly",
      budgetFilter: {
        projects: [NUMBER],
        creditTypesTreatment: "INCLUDE_ALL_CREDITS",
        calendarPeriod: "MONTH",
      },
      amount: { specifiedAmount: { units: "1000", currencyCode: "USD" } },
      thresholdRules: [{ thresholdPercent: 0.5, spendBasis: "CURRENT_SPEND" }],
    });
  });

  test("changes of a budget what the mask names, and nothing else", async () => {
    const { name } = await create({
      thresholdRules: [{ thresholdPercent: 1 }],
      notificationsRule: { disableDefaultIamRecipients: true },
    });
    const changed = await budgets(
      "PATCH",
      name,
      { displayName: "other", amount: { specifiedAmount: { units: "7" } } },
      { updateMask: "amount.specifiedAmount.units,notificationsRule" },
    );

    expect(changed).toMatchObject({
      displayName: "monthly",
      amount: { specifiedAmount: { units: "7", currencyCode: "USD" } },
      thresholdRules: [{ thresholdPercent: 1 }],
    });
    expect(changed).not.toHaveProperty("notificationsRule");
  });

  test("fails when a budget was changed since it was read", async () => {
    const { name, etag } = await create();
    const change = () => budgets("PATCH", name, { displayName: "b", etag });

    await change();
    expect(await cloud.refusal(change())).toContain(
      "409 The budget was changed",
    );
  });

  test("lists budgets by pages", async () => {
    await create();
    await create();
    const { budgets: all } = await budgets("GET");
    const names: string[] = [];
    for (let pageToken: string | undefined = ""; pageToken !== undefined; ) {
      const page: any = await budgets("GET", "", undefined, {
        pageSize: "1",
        ...(pageToken ? { pageToken } : {}),
      });
      expect(page.budgets).toHaveLength(1);
      names.push(page.budgets[0].name);
      pageToken = page.nextPageToken;
    }
    expect(names).toEqual(all.map(({ name }: any) => name));
  });

  test("forgets a budget that is deleted", async () => {
    const { name } = await create();
    await budgets("DELETE", name);

    expect(await cloud.refusal(budgets("GET", name))).toBe(
      "404 Requested entity was not found.",
    );
  });

  test.each<[string, object, string]>([
    [
      "another currency than the account's",
      { amount: { specifiedAmount: { units: "1", currencyCode: "EUR" } } },
      "must match the currency of the billing account, USD",
    ],
    ["no amount", { amount: {} }, "amount: one of specified_amount"],
    [
      "an amount that is no whole number",
      { amount: { specifiedAmount: { units: "1.5" } } },
      "Invalid value at 'amount.specifiedAmount.units' (TYPE_INT64), \"1.5\"",
    ],
    [
      "a project of somebody else",
      { budgetFilter: { projects: ["projects/other"] } },
      "'projects/other' is not a project that this billing account pays for",
    ],
    [
      "a name of 61 characters",
      { displayName: "n".repeat(61) },
      "display_name: must be 60 characters or less",
    ],
    [
      "a channel that is not there",
      {
        thresholdRules: [{ thresholdPercent: 1 }],
        notificationsRule: {
          monitoringNotificationChannels: [`${PROJECT}/notificationChannels/1`],
        },
      },
      "is not an email notification channel",
    ],
    [
      "a forecast for a period of its own",
      {
        budgetFilter: {
          customPeriod: { startDate: { year: 2026, month: 1, day: 1 } },
        },
        thresholdRules: [
          { thresholdPercent: 1, spendBasis: "FORECASTED_SPEND" },
        ],
      },
      "cannot be set with last_period_amount or FORECASTED_SPEND",
    ],
    [
      "a spend basis that there is not",
      { thresholdRules: [{ thresholdPercent: 1, spendBasis: "GUESSED" }] },
      "Invalid value at 'thresholdRules[0].spendBasis' (TYPE_ENUM), \"GUESSED\"",
    ],
  ])("fails when a budget has %s", async (_what, more, message) => {
    const said = await cloud.refusal(create(more));

    expect(said).toMatch(/^400 /);
    expect(said).toContain(message);
  });

  test("fails when an update names a field that there is not", async () => {
    const { name } = await create();
    const change = budgets("PATCH", name, {}, { updateMask: "colour" });

    expect(await cloud.refusal(change)).toContain(
      "400 Invalid value at 'update_mask'",
    );
  });

  test("fails when a person's call counts to no project, as Google's SDK project has the API off", async () => {
    const call = cloud.get("billingbudgets", `${ACCOUNT}/budgets`);

    expect(await cloud.refusal(call)).toContain(
      "403 Your application is authenticating by using local Application Default Credentials. The billingbudgets.googleapis.com API requires a quota project",
    );
  });

  test("fails when the call counts to a project that the caller may not use", async () => {
    await cloud.account("stranger-sa");
    const call = budgets("GET", "", undefined, {}, cloud.as("stranger-sa"));

    expect(await cloud.refusal(call)).toContain(
      `403 Caller does not have required permission to use project ${DEFAULTS.project}.`,
    );
  });

  test("a budget tells people through channels of Cloud Monitoring", async () => {
    const { name, enabled } = await channel({ email_address: "a@example.com" });
    const rule = { monitoringNotificationChannels: [name] };
    const made = await create({
      thresholdRules: [{ thresholdPercent: 1 }],
      notificationsRule: rule,
    });

    expect(enabled).toBe(true);
    expect(made.notificationsRule).toEqual(rule);
  });

  test.each<[string, () => Promise<unknown>, string]>([
    ["an email without an address", () => channel({}), "email_address"],
    ["an unknown type", () => channel({}, "pigeon"), 'of "pigeon"'],
  ])("fails when a channel is %s", async (_what, make, message) => {
    const said = await cloud.refusal(make());

    expect(said).toMatch(/^400 Field "notification_channel\./);
    expect(said).toContain(message);
  });
});
