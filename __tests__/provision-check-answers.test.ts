import { http } from "../commands/http";
import { checkAnswers } from "../provision/check-answers";
import { type Golden } from "../provision/golden-answers";
import { apiError, GoogleApiServer } from "./google-api-server";
import {
  CHAT,
  type Faults,
  GOLDEN,
  MadeUpModelServer,
} from "./made-up-model-server";
import { run, type Run, runProcess } from "./provisioner-run";

const OBJECT = "storage.objects.get";
const LIST = "storage.objects.list";

let google: GoogleApiServer;
let served: MadeUpModelServer;
beforeEach(async () => {
  google = await GoogleApiServer.start();
  bucketHas(GOLDEN);
});
afterEach(async () => {
  await google.close();
  await served.close();
});

/** The version's golden.json, and other published runs. */
function bucketHas(golden: Golden | object, ...others: string[]): void {
  google
    .on(OBJECT, () => ({ body: golden }))
    .on(LIST, () => ({
      body: {
        items: others.map((id) => ({ name: `sql/${id}/_SUCCESS` })),
      },
    }));
}

const environment = (url: string) => ({
  PROJECT_ID: "p",
  REGION: "r",
  SERVICE_NAME: "s",
  URL: url,
  BUCKET_NAME: "models",
  MODEL: "sql",
  RUN_ID: "0123456789ab",
  INVOKER: "",
  GRANTED: "no",
  OWN_IMAGE: "yes",
  REQUIRED: "no",
  CONCURRENCY: "16",
  LIMIT_SECONDS: "20",
});

/** Checks a server that has these faults. */
async function check(
  faults: Faults = {},
  env: NodeJS.ProcessEnv = {},
  golden = GOLDEN,
): Promise<Run> {
  served = await MadeUpModelServer.start(faults, golden);
  return run((session) => checkAnswers(session, http(fetch)), google, {
    ...environment(served.url),
    ...env,
  });
}

const asked = (path: string) =>
  served.received.filter((one) => one.path === path);

describe("a server that answers as the scored model", () => {
  test("passes, with figures beside their bars", async () => {
    const { output, failure } = await check();

    expect(failure).toBeUndefined();
    expect(output).toContain(
      "s is the model that was scored: of 7 tokens in 2 golden answers, at concurrency 1 golden tokens are at most 0.000 nats below the server's first choice (allowed 0.5), and log-probabilities differ by 0.0000 on average (allowed 0.05); at concurrency 16",
    );
    expect(output).toContain("2 of 2 answers are the same text");
  });

  test("is read one at a time and many at a time, with the tokens it makes itself", async () => {
    await check();
    const read = asked("/v1/completions")
      .map(({ body }) => body)
      .filter(({ prompt_logprobs }) => prompt_logprobs);

    expect(read).toHaveLength(4);
    expect(read[0]).toMatchObject({
      model: "m",
      prompt: [2, 11, 12, 13, 21, 22, 23, 1],
      temperature: 0,
    });
    expect(served.mostAtATime).toBe(2);
  });

  test("passes when it only words answers otherwise, and that is reported", async () => {
    const { output, failure } = await check({ text: " SELECT 3" });

    expect(failure).toBeUndefined();
    expect(output).toContain("0 of 2 answers are the same text");
  });

  test("passes when rounding moves what it is sure of", async () => {
    const worse = (place: number) => (place === 2 ? 0.1 : 0);

    expect((await check({ worse, shift: 0.01 })).failure).toBeUndefined();
  });

  test("is asked again while the grant to ask it gets around", async () => {
    const before = { times: 2, status: 403 };

    expect((await check({ before })).output).toContain(
      "lacks roles/run.invoker",
    );
    await served.close();
    const { output, failure } = await check({ before }, { GRANTED: "yes" });
    expect(failure).toBeUndefined();
    expect(output).toContain("s is the model that was scored");
  });

  test("is waited for while it starts from zero", async () => {
    const { output, failure } = await check({
      before: { times: 3, status: 503 },
    });

    expect(failure).toBeUndefined();
    expect(output).toContain("waiting for the service");
  });

  test("may still be the revision before for a moment", async () => {
    const lineage = (before: number) => ({
      run_id: before < 2 ? "ffffffffffff" : "0123456789ab",
      prompt: GOLDEN.template,
    });

    const { output, failure } = await check({ lineage });
    expect(failure).toBeUndefined();
    expect(output).toContain("run ffffffffffff still answers");
  });

  test("is asked what its context has room for", async () => {
    const { output, failure } = await check({ maxModelLen: 8 });

    expect(failure).toBeUndefined();
    expect(output).toContain("in 1 golden answers");
    expect(output).toContain("1 prompts are too long for serving.maxModelLen");
  });

  test("is asked chats as text without special tokens, and as messages", async () => {
    bucketHas(CHAT);
    expect((await check({}, {}, CHAT)).failure).toBeUndefined();

    expect(asked("/v1/completions")[0]?.body.add_special_tokens).toBe(false);
    expect(asked("/v1/chat/completions")[0]?.body).toMatchObject({
      messages: [{ role: "user", content: GOLDEN.prompts[0]?.prompt }],
      chat_template_kwargs: { date_string: "26 Jul 2024" },
    });
  });
});

describe("fails when", () => {
  test("other weights answer: with the worst prompts, both answers and the way back", async () => {
    bucketHas(GOLDEN, "0123456789ab", "111111111111");
    const { output, failure } = await check({
      worse: (place) => (place === 1 ? 3.1 : 0),
      text: " DROP",
    });

    expect(failure).toMatch(
      /^weights: s computes with other weights than were scored, or reads settings of the model, such as its rope_theta, otherwise: at concurrency 1 golden tokens are at most 3\.100 nats/,
    );
    expect(failure).toContain("in 2 of 2 prompts");
    expect(failure).toContain(
      '"pin" set to another published run (111111111111)',
    );
    expect(output).toContain('expected: " SELECT 1"\n  served:   " DROP"');
    expect(output).toContain(
      'token 2 of the expected answer, "t22", is 3.10 nats below "other"',
    );
  });

  test("every token is only a little less likely", async () => {
    const { failure } = await check({ shift: 0.06 });

    expect(failure).toMatch(/^weights: .*differ by 0\.0600 on average/);
  });

  test("a batch alone is wrong", async () => {
    const { failure } = await check({
      worse: (_place, atATime) => (atATime > 1 ? 2 : 0),
    });

    expect(failure).toMatch(/^batching: .*at concurrency 16/);
    expect(failure).not.toContain("at concurrency 1 golden");
  });

  test("the beginning-of-text is missing", async () => {
    const { output, failure } = await check({
      tokens: (ids) => ids.slice(1),
      worse: () => 1,
    });

    expect(failure).toMatch(
      /^tokenizer: s reads 2 of 2 prompts as other tokens than the trainer did: the first token, 2, is missing.*1\.000 nats/,
    );
    expect(output).toContain('prompt aaaaaaaaaaaa: "Question: how many?');
  });

  test.each<[string, Faults["tokens"], RegExp]>([
    ["twice", (ids) => [2, ...ids], /token 2 comes first in addition, twice/],
    ["followed by an end", (ids) => [...ids, 1], /token 1 comes last/],
    [
      "other ones",
      ([first, , ...rest]) => [first!, 77, ...rest],
      /token 2 of 4 is 77, expected 11/,
    ],
  ])("a prompt's tokens are %s", async (_name, tokens, message) => {
    expect((await check({ tokens: tokens! })).failure).toMatch(message);
  });

  test("chats are rendered otherwise", async () => {
    bucketHas(CHAT);
    const { failure } = await check(
      { chatTokens: (ids) => [...ids, 5] },
      {},
      CHAT,
    );

    expect(failure).toMatch(
      /^template: s renders 2 of 2 chats otherwise.*token 5 comes last/,
    );
  });

  test("the prompts' template is another one", async () => {
    const lineage = { run_id: "0123456789ab", prompt: "{question}" };

    expect((await check({ lineage })).failure).toMatch(
      /^template: s fills in the template "{question}", and was trained with "Question:/,
    );
  });

  test("another run goes on answering", async () => {
    const lineage = { run_id: "ffffffffffff" };

    expect((await check({ lineage })).failure).toMatch(
      /^version: s answers with run ffffffffffff, not with 0123456789ab/,
    );
  });

  test("its own server breaks under the check", async () => {
    const instead = {
      "/v1/completions": { status: 500, body: "EngineDeadError" },
    };

    expect((await check({ instead })).failure).toMatch(
      /^s cannot answer the check: \/v1\/completions answered 500: EngineDeadError.*gcloud run services logs read s/,
    );
  });

  test("golden.json is damaged, or gone though the manifest names it", async () => {
    bucketHas({ format: 1, add_special_tokens: true, prompts: [] });
    expect((await check()).failure).toMatch(
      /golden\.json is not what the trainer writes \(prompts/,
    );
    await served.close();
    google.on(OBJECT, ({ variables }) =>
      variables[1] === "sql/0123456789ab/golden.json"
        ? apiError(404, "No such object")
        : { body: { files: [{ name: "golden.json" }] } },
    );
    expect((await check()).failure).toMatch(/is missing, though the version/);
  });
});

describe("what cannot be checked is a warning, and fails where it is required", () => {
  const cases: [string, Faults, NodeJS.ProcessEnv, RegExp][] = [
    [
      "an image without vLLM's API",
      { instead: { "/v1/models": { status: 404, body: "{}" } } },
      {},
      /the image has no \/v1\/models/,
    ],
    [
      "a service that only its network reaches",
      { instead: { "/v1/models": { status: 404, body: "<html>404</html>" } } },
      {},
      /no request from here reaches the service.*serving\.ingress/,
    ],
    [
      "an image that gives no log-probabilities",
      {
        instead: {
          "/v1/completions": {
            status: 200,
            body: '{"choices":[{"text":"x","prompt_token_ids":[2]}]}',
          },
        },
      },
      {},
      /gives no prompt_logprobs/,
    ],
    [
      "a ready image that refuses the check's requests",
      {
        instead: { "/v1/completions": { status: 422, body: "unknown field" } },
      },
      { OWN_IMAGE: "no" },
      /\/v1\/completions answered 422: unknown field/,
    ],
    [
      "a caller who may not ask",
      { instead: { "/v1/models": { status: 403, body: "Forbidden" } } },
      {},
      /user:YOU@EXAMPLE\.COM lacks roles\/run\.invoker on s\. Set serving\.check\.invoker to "user:YOU@EXAMPLE\.COM" and deploy again, or: gcloud run services add-iam-policy-binding s --region r --project p/,
    ],
    [
      "a service that does not get ready in time",
      { before: { times: 1000, status: 503 } },
      { LIMIT_SECONDS: "1" },
      /the service gave no answer within 1 s \(it answered 503\)/,
    ],
    [
      "a context that is shorter than every golden answer",
      { maxModelLen: 4 },
      {},
      /longer than the server takes \(serving\.maxModelLen: 4\)/,
    ],
  ];

  test.each(cases)("%s", async (_name, faults, env, message) => {
    const { output, failure } = await check(faults, env);
    expect(failure).toBeUndefined();
    expect(output).toMatch(/^warning: the answers of s were not checked: /m);
    expect(output).toMatch(message);
    await served.close();

    const required = await check(faults, { ...env, REQUIRED: "yes" });
    expect(required.failure).toMatch(message);
    expect(required.failure).toMatch(/serving\.check\.required is true$/);
  });

  test("a version from before golden answers were stored", async () => {
    google.on(OBJECT, ({ variables }) =>
      variables[1] === "sql/0123456789ab/manifest.json"
        ? { body: { files: [{ name: "config.json" }] } }
        : apiError(404, "No such object"),
    );
    const { output, failure } = await check();

    expect(failure).toBeUndefined();
    expect(output).toBe(
      "warning: the answers of s were not checked: gs://models/sql/0123456789ab was published without golden answers, before the trainer stored them (a run that is trained anew has them)\n",
    );
  });

  test("a bucket that may not be read: which role is missing", async () => {
    google.on(OBJECT, () => apiError(403, "no storage.objects.get access"));
    const { output } = await check();

    expect(output).toMatch(
      /golden\.json may not be read .*roles\/storage\.objectViewer on the bucket: gcloud storage buckets add-iam-policy-binding gs:\/\/models/,
    );
  });

  test("an access token, which is no identity", async () => {
    const { output } = await check({}, { URL: "https://s.example.com" });

    expect(output).toContain(
      "Cloud Run wants an identity token, and GOOGLE_OAUTH_ACCESS_TOKEN is none: export GOOGLE_ID_TOKEN=",
    );
    expect(served.received).toEqual([]);
  });
});

test("as Terraform starts it, the last line is the reason and the exit code 1", async () => {
  served = await MadeUpModelServer.start({ lineage: { run_id: "f" } });
  const { output, exitCode } = await runProcess("check-answers.ts", google, {
    ...environment(served.url),
    URL: served.url,
  });

  expect(exitCode).toBe(1);
  expect(output.trimEnd().split("\n").at(-1)).toMatch(/^version: s answers/);
}, 30_000);
