import { readSettings, SettingsError } from "../constructs/read-settings";
import { environment, type Raw } from "./synthesize";

const MODEL = "gemma-2b-sql-finetuned";

function problems(
  dev: Raw,
  variables: Record<string, string> = {},
): readonly string[] {
  try {
    readSettings({ environments: { dev } }, variables);
    return [];
  } catch (error) {
    if (error instanceof SettingsError) return error.problems;
    throw error;
  }
}

function read(dev: Raw, variables: Record<string, string> = {}) {
  return readSettings({ environments: { dev } }, variables).dev!;
}

test("two variables are enough for the tutorial's model with its names", () => {
  const settings = read(
    { models: { [MODEL]: {} } },
    { PROJECT_ID: "my-project", REGION: "us-central1" },
  );

  expect(settings).toMatchObject({
    projectId: "my-project",
    region: "us-central1",
    repository: "codelab-finetuning-jobs",
    images: { trainer: "finetune-to-gcs" },
    bucket: { name: "my-project-codelab-finetuning-jobs" },
    token: { secret: "HF_TOKEN" },
    serviceAccounts: { train: "finetune-job-sa" },
  });
  expect(settings.models[MODEL]).toMatchObject({
    name: MODEL,
    base: { id: "google/gemma-2b" },
    dataset: { id: "b-mc2/sql-create-context", limit: 1000 },
    training: {
      job: "finetuning-to-gcs-job",
      lora: {
        r: 8,
        alpha: 16,
        dropout: 0.1,
        targetModules: ["q_proj", "v_proj"],
      },
      learningRate: 2e-4,
      scheduler: "cosine",
      warmupRatio: 0.03,
      maxSeqLength: 512,
      seed: 42,
      retries: 3,
      timeoutSeconds: 3600,
    },
    serving: { service: "serve-gemma-sql", port: 8000, modelId: "new_model" },
  });
});

test("each variable of the tutorial arrives where it belongs", () => {
  const settings = read(environment(), {
    PROJECT_ID: "another-project",
    REGION: "europe-west4",
    AR_REPO: "repo",
    IMAGE_NAME: "image",
    JOB_NAME: "job",
    BUCKET_NAME: "some-bucket",
    SECRET_ID: "SECRET",
    SERVICE_ACCOUNT: "trainer-sa",
    MODEL_NAME: "google/gemma-3-1b-it",
    NEW_MODEL: "mine",
    LORA_R: "4",
    LORA_ALPHA: "8",
    TRAIN_BATCH_SIZE: "3",
    EVAL_BATCH_SIZE: "5",
    GRADIENT_ACCUMULATION_STEPS: "6",
    DATASET_LIMIT: "-1",
    LOGGING_STEPS: "7",
    MAX_SEQ_LENGTH: "1024",
  });

  expect(settings).toMatchObject({
    projectId: "another-project",
    region: "europe-west4",
    repository: "repo",
    images: { trainer: "image" },
    bucket: { name: "some-bucket" },
    token: { secret: "SECRET" },
    serviceAccounts: { train: "trainer-sa" },
  });
  expect(settings.models[MODEL]).toMatchObject({
    name: "mine",
    base: { id: "google/gemma-3-1b-it" },
    dataset: { limit: -1 },
    training: {
      job: "job",
      lora: { r: 4, alpha: 8 },
      batchSize: 3,
      evalBatchSize: 5,
      gradientAccumulationSteps: 6,
      loggingSteps: 7,
      maxSeqLength: 1024,
    },
  });
});

test("an empty variable counts as not set", () => {
  expect(read(environment(), { LORA_R: "" }).models[MODEL]).toMatchObject({
    training: { lora: { r: 8 } },
  });
});

test("one environment can be chosen of several, and variables mean that one", () => {
  const both = { environments: { dev: environment(), prod: environment() } };
  const chosen = readSettings(both, {
    TUNESERVE_ENVIRONMENT: "prod",
    PROJECT_ID: "prod-project",
  });

  expect(Object.keys(chosen)).toEqual(["prod"]);
  expect(chosen.prod?.projectId).toBe("prod-project");
});

test("a ready image with tag or digest is taken as it is", () => {
  const image =
    "us-docker.pkg.dev/vertex-ai/vertex-vision-model-garden-dockers/pytorch-vllm-serve:20250505_0916_RC00";
  expect(
    read(environment({}, { serving: { image } })).models[MODEL]?.serving.image,
  ).toBe(image);
});

const training = (value: Raw) => environment({}, { training: value });
const serving = (value: Raw) => environment({}, { serving: value });

// What is wrong, the settings, and what the one message must say.
const bad: [string, Raw, RegExp][] = [
  [
    "the project is missing",
    { models: { m: {} }, region: "us-central1" },
    /projectId: not set \(or export PROJECT_ID=\.\.\.\); allowed: a project id/,
  ],
  [
    "the region is missing",
    { models: { m: {} }, projectId: "my-project" },
    /region: not set \(or export REGION=\.\.\.\)/,
  ],
  [
    "the project is its number",
    environment({ projectId: "123456789" }),
    /projectId: got "123456789".*not the project's number/,
  ],
  [
    "a region has no GPUs",
    environment({ region: "us-west1" }),
    /region: got "us-west1"; allowed: a region with GPUs.*us-central1/,
  ],
  [
    "a region is misspelt",
    environment({ region: "us-centrl1" }),
    /did you mean 'us-central1'/,
  ],
  [
    "a region lacks the accelerator",
    environment(
      { region: "us-east4" },
      {
        training: {
          accelerator: "nvidia-rtx-pro-6000",
          cpu: 20,
          memory: "80Gi",
        },
      },
    ),
    /training\.accelerator: got "nvidia-rtx-pro-6000".*us-east4' offers: nvidia-l4/,
  ],
  [
    "a setting is misspelt",
    training({ retrys: 1 }),
    /training\.retrys: there is no such setting \(did you mean 'retries'\?\); allowed: .*retries/,
  ],
  [
    "a part is no object",
    environment({ token: "hf_abcdefghijklmnop" }),
    /token: got "hf_…"; allowed: an object with the keys source, secret/,
  ],
  [
    "there is no model",
    environment({ models: {} }),
    /models: got {}; allowed: at least one model/,
  ],
  [
    "the bucket's name has capitals",
    environment({ bucket: { name: "Models" } }),
    /bucket\.name: got "Models"; allowed: a bucket name/,
  ],
  [
    "the bucket's name says google",
    environment({ bucket: { name: "my-google-models" } }),
    /without 'google'/,
  ],
  [
    "the bucket's name is an address",
    environment({ bucket: { name: "10.0.0.1" } }),
    /bucket\.name: got "10.0.0.1"/,
  ],
  [
    "the secret's name is a token",
    environment({ token: { secret: "hf.x" } }),
    /token\.secret: got "hf.x"; allowed: a secret's name/,
  ],
  [
    "the repository's name ends with a hyphen",
    environment({ repository: "repo-" }),
    /repository: got "repo-"/,
  ],
  [
    "the image's name has capitals",
    environment({ images: { trainer: "Trainer" } }),
    /images\.trainer: got "Trainer"/,
  ],
  [
    "the job's name is too long",
    training({ job: "j".repeat(50) }),
    /training\.job: got "j+"; allowed: a Cloud Run name: 1 to 49/,
  ],
  [
    "the service's name begins with a digit",
    serving({ service: "1st" }),
    /serving\.service: got "1st"/,
  ],
  [
    "a service account's id is too short",
    environment({ serviceAccounts: { serve: "sa" } }),
    /serviceAccounts\.serve: got "sa"; allowed: a service account's id: 6 to 30/,
  ],
  [
    "a label's key has capitals",
    environment({ labels: { Team: "x" } }),
    /labels\.Team: the name "Team" is not allowed/,
  ],
  [
    "a label's value has a space",
    environment({ labels: { team: "a b" } }),
    /labels\.team: got "a b"; allowed: a label's value/,
  ],
  [
    "CPU and accelerator do not fit",
    training({ cpu: 5 }),
    /training\.cpu: got 5; allowed: 4, 6, 8 beside nvidia-l4/,
  ],
  [
    "memory and CPU do not fit",
    training({ cpu: 4 }),
    /training\.memory: got "32Gi"; allowed: 16Gi beside nvidia-l4 with 4 CPU/,
  ],
  [
    "memory is too small for the GPU",
    serving({ memory: "8Gi" }),
    /serving\.memory: got "8Gi"; allowed: 16Gi to 32Gi/,
  ],
  [
    "memory has another unit",
    serving({ memory: "32G" }),
    /serving\.memory: got "32G"; allowed: memory in GiB, such as 32Gi/,
  ],
  [
    "the accelerator is unknown",
    training({ accelerator: "nvidia-t4" }),
    /training\.accelerator: got "nvidia-t4"; allowed: nvidia-l4 or nvidia-rtx-pro-6000/,
  ],
  [
    "a GPU task may run longer than an hour",
    training({ timeoutSeconds: 7200 }),
    /timeoutSeconds: got 7200; allowed: a whole number from 300 to 3600 seconds/,
  ],
  [
    "there are too many retries",
    training({ retries: 11 }),
    /retries: got 11; allowed: a whole number from 0 to 10/,
  ],
  [
    "retries are no whole number",
    training({ retries: 1.5 }),
    /retries: got 1.5/,
  ],
  [
    "the probe's budget is too large",
    serving({ startupSeconds: 1810 }),
    /startupSeconds: got 1810; allowed: 10 to 1800 seconds, in tens/,
  ],
  [
    "the probe's budget is no multiple of its period",
    serving({ startupSeconds: 605 }),
    /startupSeconds: got 605/,
  ],
  [
    "a ready image has no tag",
    serving({ image: "us-docker.pkg.dev/p/r/image" }),
    /serving\.image: got .*a tag or a digest/,
  ],
  [
    "an invoker is a bare address",
    serving({ invokers: ["ada@example.com"] }),
    /invokers\.0: got "ada@example.com"; allowed: a principal such as user:/,
  ],
  [
    "anybody may invoke",
    serving({ invokers: ["allUsers"] }),
    /invokers: got \["allUsers"\]; allowed: principals of your own/,
  ],
  [
    "any account may invoke",
    serving({ invokers: ["allAuthenticatedUsers"] }),
    /set serving\.public to true/,
  ],
  [
    "a prompt names no column",
    environment({}, { prompt: "Q: {questoin}" }),
    /prompt: got "Q: {questoin}"; allowed: .*{question}/,
  ],
  [
    "a completion is given away by the prompt",
    environment({}, { prompt: "{question} {answer}" }),
    /completion: got " {answer}"; allowed: .*would give {answer} away/,
  ],
  [
    "a precision is unknown",
    training({ basePrecision: "int8" }),
    /training\.basePrecision: got "int8"; allowed: auto, nf4, bf16 or fp8/,
  ],
  [
    "4 bit is asked for and a precision that is not",
    training({ basePrecision: "bf16", loadIn4bit: true }),
    /training\.basePrecision: got "bf16"; allowed: auto or nf4 beside loadIn4bit true; leave loadIn4bit out/,
  ],
  [
    "4 bit is declined and asked for",
    training({ basePrecision: "nf4", loadIn4bit: false }),
    /training\.basePrecision: got "nf4"; allowed: auto or bf16 or fp8 beside loadIn4bit false/,
  ],
  [
    "packing is set, which is no setting any more",
    training({ packing: true }),
    /training\.packing: there is no such setting/,
  ],
  [
    "a start is neither a run nor an address",
    training({ startFrom: "gemma/0123456789ab" }),
    /training\.startFrom: got "gemma\/0123456789ab"; allowed: a run id of this model/,
  ],
  [
    "a start's address ends with a slash",
    training({ startFrom: "gs://bucket/adapter/" }),
    /training\.startFrom: got .*without a slash at its end/,
  ],
  [
    "a tracker is no name",
    training({ reportTo: "wandb" }),
    /training\.reportTo: got "wandb"; allowed: "none", or a list of trackers/,
  ],
  [
    "scoring does not fit into an attempt",
    training({ timeoutSeconds: 600 }),
    /training\.evaluationSeconds: got 900; allowed: at most 300: scoring, which with its comparisons takes 1\.4 times as long, has to fit into one attempt \(timeoutSeconds 600 less 90/,
  ],
  [
    "scoring does not fit when a version is run again",
    environment(
      {},
      {
        training: { evaluationSeconds: 1500 },
        promotion: { mustBeat: "0123456789ab" },
      },
    ),
    /training\.evaluationSeconds: got 1500; allowed: at most 1425: .* takes 2\.4 times as long/,
  ],
  [
    "an attempt would leave no checkpoint",
    training({
      timeoutSeconds: 300,
      evaluationSeconds: 60,
      checkpointMinutes: 5,
    }),
    /training\.checkpointMinutes: got 5; allowed: at most 2: an attempt has to leave a checkpoint/,
  ],
  [
    "a data set has an unknown format",
    environment({}, { dataset: { format: "chat" } }),
    /dataset\.format: got "chat"; allowed: columns or messages/,
  ],
  [
    "a metric is unknown",
    environment({}, { promotion: { metric: "bleu" } }),
    /promotion\.metric: got "bleu"; allowed: execution_match, normalized_match, exact_match or token_f1/,
  ],
  [
    "a bar has no rows to be measured on",
    environment(
      {},
      { training: { evaluationRows: 0 }, promotion: { minimum: 0.5 } },
    ),
    /promotion\.minimum: got 0\.5; allowed: not set, or training\.evaluationRows above 0/,
  ],
  [
    "an incumbent has no rows to be beaten on",
    environment(
      {},
      { training: { evaluationRows: 0 }, promotion: { mustBeat: "base" } },
    ),
    /promotion\.mustBeat: got "base"; allowed: not set, or training\.evaluationRows above 0/,
  ],
  [
    "an incumbent is no run id",
    environment({}, { promotion: { mustBeat: "latest" } }),
    /promotion\.mustBeat: got "latest"; allowed: base \(the untrained model\), or the run id/,
  ],
  [
    "a pin is no run id",
    environment({}, { pin: "latest" }),
    /pin: got "latest"; allowed: a run id: 12 hexadecimal digits/,
  ],
  [
    "a data set's limit is nothing",
    environment({}, { dataset: { limit: 0 } }),
    /dataset\.limit: got 0; allowed: -1 for all rows/,
  ],
  [
    "a base is no source",
    environment({}, { base: { id: "https://huggingface.co/google/gemma-2b" } }),
    /base\.id: got .*a Hugging Face id/,
  ],
  [
    "a model's key cannot be a folder",
    environment({ models: { "Gemma 2B": {} } }),
    /models\.Gemma 2B: got "Gemma 2B"/,
  ],
  [
    "a model takes the folder of the checkpoints",
    environment({}, { name: "checkpoints" }),
    /name: got "checkpoints"/,
  ],
  [
    "two models share a job",
    environment({ models: { a: {}, b: { serving: { service: "b" } } } }),
    /models\.b\.training\.job: got "finetuning-to-gcs-job"; allowed: a name of its own: environments\.dev\.models\.a\.training\.job/,
  ],
  [
    "two models share a folder",
    environment({
      models: {
        a: {},
        b: { name: "a", training: { job: "b" }, serving: { service: "b" } },
      },
    }),
    /models\.b\.name: got "a"/,
  ],
  [
    "a network is misspelt",
    environment({ network: "None" }),
    /network: got "None"; allowed: "none", or/,
  ],
];

test.each(bad)("fails when %s", (_, dev, message) => {
  expect(problems(dev)).toEqual([expect.stringMatching(message)]);
});

test("fails when a variable is no number, and names the variable", () => {
  expect(problems(environment(), { LORA_R: "eight" })).toEqual([
    'LORA_R (environment variable): got "eight"; allowed: a whole number from 1 to 512',
  ]);
});

test("fails when a variable could mean several models or environments", () => {
  const two = environment({
    models: { a: {}, b: { training: { job: "b" }, serving: { service: "b" } } },
  });
  expect(problems(two, { LORA_R: "4" })).toEqual([
    expect.stringMatching(/LORA_R .*several models/),
  ]);
  const both = {
    environments: {
      dev: environment(),
      prod: environment({ projectId: "prod-project" }),
    },
  };
  expect(() => readSettings(both, { REGION: "us-east4" })).toThrow(
    /REGION .*several environments \(dev, prod\).*TUNESERVE_ENVIRONMENT/,
  );
});

test("fails when two environments would own the same resources", () => {
  const both = { environments: { dev: environment(), prod: environment() } };
  expect(() => readSettings(both, {})).toThrow(
    /environments\.prod\.bucket\.name: .*environments\.dev\.bucket\.name has this one already/,
  );
});

test("fails when the chosen environment does not exist", () => {
  expect(() =>
    readSettings(
      { environments: { dev: environment() } },
      { TUNESERVE_ENVIRONMENT: "dve" },
    ),
  ).toThrow(/got "dve"; allowed: dev \(did you mean 'dev'\?\)/);
});

test("fails with every problem at once, also those of values together", () => {
  const all = problems(
    environment(
      { projectId: "X", labls: {} },
      {
        training: { retries: 99, cpu: 5 },
        serving: { invokers: ["allUsers"] },
      },
    ),
  );

  expect(all).toHaveLength(5);
});

test("never repeats what looks like a token", () => {
  const [problem] = problems(
    environment({ repository: "hf_QWERTYUIOPasdfgh" }),
  );

  expect(problem).toContain("hf_…");
  expect(problem).not.toContain("QWERTYUIOP");
});

test.each([[undefined], ["x"], [[]], [{}], [null]])(
  "fails with a readable message when the environments are %j",
  (environments) => {
    expect(() => readSettings({ environments }, {})).toThrow(SettingsError);
  },
);
