import {
  environment,
  only,
  provisioner,
  resources,
  synthesize,
} from "./synthesize";

const job = (stack = synthesize()) => only(stack, "google_cloud_run_v2_job");
const service = (stack = synthesize()) =>
  only(stack, "google_cloud_run_v2_service");
const bucket = (stack = synthesize()) =>
  resources(stack, "google_storage_bucket").find((b) => b.versioning)!;
/** Plain environment of a job's container. */
const valuesOf = (
  resource: ReturnType<typeof job>,
): Record<string, string | undefined> =>
  Object.fromEntries(
    resource.template.template.containers[0].env.map(
      ({ name, value }: { name: string; value?: string }) => [name, value],
    ),
  );
const runEnvironment = (stack: ReturnType<typeof synthesize>) =>
  provisioner(stack, "provision/run-training.ts").provisioner[0]["local-exec"]
    .environment;
const withServing = (serving: Record<string, unknown>) =>
  synthesize(environment({}, { serving }));

describe("project APIs", () => {
  test("stay on when the stack is destroyed", () => {
    for (const api of resources(synthesize(), "google_project_service")) {
      expect(api.disable_on_destroy).toBe(false);
    }
  });

  test("are awaited before anything uses them", () => {
    const ready = provisioner(synthesize(), "provision/await-apis.ts");

    expect(ready.depends_on).toHaveLength(8);
    expect(
      ready.provisioner[0]["local-exec"].environment.APIS.split(","),
    ).toEqual([
      "run.googleapis.com",
      "compute.googleapis.com",
      "cloudbuild.googleapis.com",
      "secretmanager.googleapis.com",
      "artifactregistry.googleapis.com",
      "iam.googleapis.com",
      "storage.googleapis.com",
      "logging.googleapis.com",
    ]);
  });
});

describe("service accounts", () => {
  test("survive an apply that was interrupted after it made them", () => {
    const accounts = resources(synthesize(), "google_service_account");

    expect(accounts.map(({ account_id }) => account_id).sort()).toEqual([
      "finetune-build-sa",
      "finetune-job-sa",
      "serve-gemma-sa",
    ]);
    for (const account of accounts) {
      expect(account.create_ignore_already_exists).toBe(true);
    }
  });

  test("have one grant on the project: writing logs of builds", () => {
    expect(only(synthesize(), "google_project_iam_member")).toMatchObject({
      role: "roles/logging.logWriter",
      member: expect.stringContaining("google_service_account.build_identity"),
    });
  });
});

describe("Hugging Face token", () => {
  test("is written from an ephemeral variable that may be empty", () => {
    const stack = synthesize();

    expect(stack.variable?.hf_token).toMatchObject({
      default: "",
      ephemeral: true,
      sensitive: true,
    });
    expect(only(stack, "google_secret_manager_secret_version")).toMatchObject({
      secret_data_wo: "${var.hf_token}",
      secret_data_wo_version: 1,
      lifecycle: { create_before_destroy: true },
    });
  });

  test("is asked for first, and again only for a new version", () => {
    const stack = synthesize(environment({ token: { version: 2 } }));
    const guard = provisioner(stack, "provision/require-token.ts");

    expect(guard.triggers).toEqual({ version: "2", secret: "HF_TOKEN" });
    expect(guard.depends_on).toEqual([]);
    for (const api of resources(stack, "google_project_service")) {
      expect(api.depends_on).toEqual([
        expect.stringMatching(/^null_resource\.token-guard/),
      ]);
    }
  });

  test("can be a secret that exists already", () => {
    const stack = synthesize(
      environment({ token: { source: "existing", secret: "shared" } }),
    );

    expect(stack.variable).toBeUndefined();
    expect(resources(stack, "google_secret_manager_secret")).toEqual([]);
    expect(
      only(stack, "google_secret_manager_secret_iam_member"),
    ).toMatchObject({
      secret_id: "shared",
      role: "roles/secretmanager.secretAccessor",
    });
    expect(token(job(stack))).toEqual({ secret: "shared", version: "latest" });
  });

  test("is left out for a base that needs none", () => {
    const stack = synthesize(environment({ token: { source: "none" } }));

    expect(Object.keys(stack.resource).join()).not.toContain("secret");
    expect(token(job(stack))).toBeUndefined();
  });

  test("is kept in chosen regions when they are set", () => {
    const stack = synthesize(
      environment({ token: { replication: ["europe-west4", "europe-west1"] } }),
    );

    expect(only(stack, "google_secret_manager_secret").replication).toEqual({
      user_managed: {
        replicas: [{ location: "europe-west4" }, { location: "europe-west1" }],
      },
    });
  });

  const token = (resource: ReturnType<typeof job>) =>
    resource.template.template.containers[0].env.find(
      ({ name }: { name: string }) => name === "HF_TOKEN",
    )?.value_source.secret_key_ref;
});

describe("models' bucket", () => {
  test("is private, versioned and survives a destroy", () => {
    expect(bucket()).toMatchObject({
      name: "my-project-codelab-finetuning-jobs",
      location: "us-central1",
      force_destroy: false,
      uniform_bucket_level_access: true,
      public_access_prevention: "enforced",
      versioning: { enabled: true },
    });
  });

  test("forgets what nobody can use any more", () => {
    expect(bucket().lifecycle_rule).toEqual([
      {
        action: { type: "Delete" },
        condition: { days_since_noncurrent_time: 7, with_state: "ARCHIVED" },
      },
      {
        action: { type: "Delete" },
        condition: { age: 14, matches_prefix: ["checkpoints/"] },
      },
      {
        action: { type: "AbortIncompleteMultipartUpload" },
        condition: { age: 7 },
      },
    ]);
  });

  test("lets training create, and overwrite only checkpoints; serving read", () => {
    const grants = resources(synthesize(), "google_storage_bucket_iam_member")
      .filter(({ bucket }) => bucket.includes(".models"))
      .map(({ role, member, condition }) => [
        /service_account\.(\w+?)_/.exec(member)?.[1],
        role,
        condition?.expression ?? "",
      ]);

    expect(grants.sort()).toEqual([
      ["serve", "roles/storage.objectViewer", ""],
      ["train", "roles/storage.objectCreator", ""],
      [
        "train",
        "roles/storage.objectUser",
        expect.stringMatching(
          /^resource\.name\.startsWith\("projects\/_\/buckets\/\$\{google_storage_bucket\.models_\w+\.name\}\/objects\/checkpoints\/"\)$/,
        ),
      ],
      ["train", "roles/storage.objectViewer", ""],
    ]);
  });
});

describe("image repository", () => {
  test("has tags that cannot be moved, and loses untagged images only", () => {
    expect(
      only(synthesize(), "google_artifact_registry_repository"),
    ).toMatchObject({
      repository_id: "codelab-finetuning-jobs",
      format: "DOCKER",
      docker_config: { immutable_tags: true },
      cleanup_policies: [
        { action: "DELETE", condition: { tag_state: "UNTAGGED" } },
      ],
    });
  });
});

describe("container images", () => {
  test("are built on a machine that can hold a base image of 12 GB", () => {
    const exec = provisioner(synthesize(), "provision/build-image.ts", "vllm")
      .provisioner[0]["local-exec"];

    expect(exec.environment).toMatchObject({
      CONTEXT: "vllm",
      TAG: "bbbbbbbbbbbbbbbb-cuda12",
      MACHINE_TYPE: "E2_HIGHCPU_32",
      DISK_SIZE_GB: "200",
      TIMEOUT_SECONDS: "3600",
      LOCATION: "us-central1",
    });
  });

  test("are not built where a ready one is set", () => {
    const image =
      "us-docker.pkg.dev/vertex-ai/vertex-vision-model-garden-dockers/pytorch-vllm-serve:20250505_0916_RC00";
    const stack = withServing({
      image,
      command: ["python3", "-m", "vllm.entrypoints.api_server"],
      healthPath: "/ping",
    });
    const [container] = service(stack).template.containers;

    expect(() =>
      provisioner(stack, "provision/build-image.ts", "vllm"),
    ).toThrow();
    expect(container).toMatchObject({
      image,
      command: ["python3", "-m", "vllm.entrypoints.api_server"],
      startup_probe: { http_get: { path: "/ping" } },
    });
    // What the tutorial gives it, and nothing that it may not know.
    expect(container.args).toEqual([
      expect.stringMatching(/^--model=\/finetune\/new_model\//),
      "--tensor-parallel-size=1",
    ]);
  });
});

describe("training job", () => {
  test("has the tutorial's shape", () => {
    expect(job()).toMatchObject({
      name: "finetuning-to-gcs-job",
      location: "us-central1",
      deletion_protection: false,
      lifecycle: { ignore_changes: ["client", "client_version"] },
      template: {
        task_count: 1,
        parallelism: 1,
        template: {
          execution_environment: "EXECUTION_ENVIRONMENT_GEN2",
          gpu_zonal_redundancy_disabled: true,
          max_retries: 3,
          timeout: "3600s",
          node_selector: { accelerator: "nvidia-l4" },
          vpc_access: {
            egress: "PRIVATE_RANGES_ONLY",
            network_interfaces: [{ network: "default", subnetwork: "default" }],
          },
          containers: [
            {
              resources: {
                limits: { cpu: "8", memory: "32Gi", "nvidia.com/gpu": "1" },
              },
              volume_mounts: [
                { mount_path: "/finetune/new_model", name: "models" },
              ],
            },
          ],
        },
      },
    });
    expect(job()).not.toHaveProperty("launch_stage");
  });

  test("has the tutorial's environment", () => {
    const values = valuesOf(job());

    expect(values).toMatchObject({
      MODEL_NAME: "google/gemma-2b",
      NEW_MODEL: "gemma-2b-sql-finetuned",
      LORA_R: "8",
      LORA_ALPHA: "16",
      GRADIENT_ACCUMULATION_STEPS: "2",
      DATASET_LIMIT: "1000",
      LOGGING_STEPS: "5",
      BASE_PRECISION: "auto",
      DATASET_FORMAT: "columns",
      EVALUATION_ROWS: "500",
      PROMOTION_MUST_BEAT: "",
      START_ADAPTER: "",
      TASK_TIMEOUT_SECONDS: "3600",
      PRICE_PER_HOUR: "1.4209",
    });
    expect(Object.keys(values)).toContain("HF_TOKEN");
    expect(values.HF_TOKEN).toBeUndefined();
    expect(values.OUTPUT_URI).toMatch(
      /^gs:\/\/\$\{google_storage_bucket\.models_\w+\.name\}\/gemma-2b-sql-finetuned\/[0-9a-f]{12}$/,
    );
  });

  test("is told of versions by their addresses", () => {
    const stack = synthesize(
      environment(
        {},
        {
          training: { startFrom: "0123456789ab", loadIn4bit: true },
          promotion: { mustBeat: "ba9876543210" },
        },
      ),
    );
    const models =
      "gs://${google_storage_bucket.models_3A8DAD06.name}/gemma-2b-sql-finetuned";

    expect(valuesOf(job(stack))).toMatchObject({
      BASE_PRECISION: "nf4",
      START_ADAPTER: `${models}/0123456789ab/adapter`,
      PROMOTION_MUST_BEAT: `${models}/ba9876543210`,
    });
    expect(runEnvironment(stack).PROMOTION_MUST_BEAT).toBe(
      `${models}/ba9876543210`,
    );
  });

  test("is told of an adapter elsewhere, the untrained model and trackers", () => {
    const startFrom = "gs://other/model/0123456789ab/adapter";
    const stack = synthesize(
      environment(
        {},
        {
          training: { startFrom, reportTo: ["tensorboard", "mlflow"] },
          promotion: { mustBeat: "base" },
        },
      ),
    );

    expect(valuesOf(job(stack))).toMatchObject({
      START_ADAPTER: startFrom,
      PROMOTION_MUST_BEAT: "base",
      REPORT_TO: "tensorboard,mlflow",
    });
  });

  test.each([
    ["an L4 in tier 1", "europe-west4", {}, "1.4209"],
    ["less beside it", "us-central1", { cpu: 4, memory: "16Gi" }, "1.0465"],
    ["an L4 in tier 2", "asia-southeast1", {}, undefined],
    [
      "an RTX PRO 6000",
      "us-central1",
      { accelerator: "nvidia-rtx-pro-6000", cpu: 20, memory: "80Gi" },
      undefined,
    ],
  ])("knows the price of %s, or says none", (_, region, training, price) => {
    const stack = synthesize(environment({ region }, { training }));

    expect(valuesOf(job(stack)).PRICE_PER_HOUR).toBe(price);
  });

  test("fails when a model has to beat the run that it is itself", () => {
    const run = synthesize().output.run_id?.value;
    const own = environment({}, { promotion: { mustBeat: run } });

    expect(() => synthesize(own)).toThrow(
      `promotion.mustBeat of model gemma-2b-sql-finetuned: got "${run}", which is the run that these settings train`,
    );
    expect(() =>
      synthesize(
        environment({}, { promotion: { mustBeat: run }, pin: String(run) }),
      ),
    ).not.toThrow();
  });

  test("labels its executions with the run id", () => {
    const stack = synthesize();

    expect(job(stack).template.labels).toEqual({
      model: "gemma-2b-sql-finetuned",
      "run-id": stack.output.run_id?.value,
    });
  });

  test("can do without a network", () => {
    const stack = synthesize(environment({ network: "none" }));

    expect(job(stack).template.template).not.toHaveProperty("vpc_access");
    expect(service(stack).template).not.toHaveProperty("vpc_access");
  });

  test("can use another network, and for all of its traffic", () => {
    const network = { network: "ml", subnetwork: "ml-l4", egress: "all" };

    expect(
      job(synthesize(environment({ network }))).template.template.vpc_access,
    ).toEqual({
      egress: "ALL_TRAFFIC",
      network_interfaces: [{ network: "ml", subnetwork: "ml-l4" }],
    });
  });
});

describe("vLLM service", () => {
  test("has the tutorial's shape", () => {
    expect(service()).toMatchObject({
      name: "serve-gemma-sql",
      ingress: "INGRESS_TRAFFIC_ALL",
      deletion_protection: false,
      scaling: { min_instance_count: 0 },
      lifecycle: {
        ignore_changes: [
          "client",
          "client_version",
          "scaling[0].manual_instance_count",
          "scaling[0].scaling_mode",
        ],
      },
      template: {
        execution_environment: "EXECUTION_ENVIRONMENT_GEN2",
        gpu_zonal_redundancy_disabled: true,
        node_selector: { accelerator: "nvidia-l4" },
        scaling: { max_instance_count: 1 },
        volumes: [{ name: "models", gcs: { read_only: true } }],
        containers: [
          {
            ports: { name: "http1", container_port: 8000 },
            resources: {
              cpu_idle: false,
              limits: { cpu: "8", memory: "32Gi", "nvidia.com/gpu": "1" },
            },
          },
        ],
      },
    });
  });

  test("serves the version directory of the run", () => {
    const stack = synthesize();
    const [container] = service(stack).template.containers;

    expect(container.args.slice(0, 2)).toEqual([
      `--model=/finetune/new_model/gemma-2b-sql-finetuned/${stack.output.run_id?.value}`,
      "--tensor-parallel-size=1",
    ]);
    expect(container.env).toEqual(
      expect.arrayContaining([
        { name: "MODEL_ID", value: "new_model" },
        { name: "HF_HUB_OFFLINE", value: "1" },
        { name: "VLLM_ENABLE_CUDA_COMPATIBILITY", value: "1" },
      ]),
    );
  });

  test("may take the probe's whole budget to start, and Terraform waits longer", () => {
    const stack = withServing({ startupSeconds: 1800 });

    expect(service(stack).template.containers[0].startup_probe).toEqual({
      http_get: { path: "/health", port: 8000 },
      initial_delay_seconds: 0,
      period_seconds: 5,
      timeout_seconds: 5,
      failure_threshold: 360,
    });
    expect(service(stack).timeouts).toEqual({ create: "45m", update: "45m" });
  });

  test("is confirmed again after every change of its revision", () => {
    const confirmation = (serving: Record<string, unknown> = {}) =>
      provisioner(withServing(serving), "provision/confirm-serving.ts");

    expect(confirmation().depends_on).toEqual([
      expect.stringMatching(/^google_cloud_run_v2_service\./),
    ]);
    expect(confirmation().triggers).toEqual(confirmation({}).triggers);
    expect(confirmation({ maxModelLen: 512 }).triggers).not.toEqual(
      confirmation().triggers,
    );
  });

  test("may be called by nobody by default", () => {
    expect(
      resources(synthesize(), "google_cloud_run_v2_service_iam_member"),
    ).toEqual([]);
  });

  test("may be called by the members of the settings, and by all if public", () => {
    const stack = withServing({
      invokers: ["user:ada@example.com", "allUsers", "allUsers"],
      public: true,
    });

    expect(
      resources(stack, "google_cloud_run_v2_service_iam_member").map(
        ({ role, member }) => [role, member],
      ),
    ).toEqual([
      ["roles/run.invoker", "allUsers"],
      ["roles/run.invoker", "user:ada@example.com"],
    ]);
  });

  test("is protected from deletion only by setting", () => {
    expect(
      service(withServing({ deletionProtection: true })).deletion_protection,
    ).toBe(true);
  });
});

describe("pinned model", () => {
  const stack = synthesize(environment({}, { pin: "0123456789ab" }));

  test("is served without training", () => {
    const run = provisioner(stack, "provision/run-training.ts");

    expect(run.triggers).toEqual({ run_id: "0123456789ab" });
    expect(run.provisioner[0]["local-exec"].environment).toMatchObject({
      RUN_ID: "0123456789ab",
      PINNED: "yes",
    });
    expect(service(stack).template.containers[0].args[0]).toBe(
      "--model=/finetune/new_model/gemma-2b-sql-finetuned/0123456789ab",
    );
    expect(stack.output.run_id?.value).toBe("0123456789ab");
  });

  test("leaves the job as it was", () => {
    expect(job(stack)).toEqual(job());
  });
});
