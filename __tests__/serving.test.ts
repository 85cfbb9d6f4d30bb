import { readFileSync } from "node:fs";
import { CUDA_BASES } from "../constructs/gpu-shapes";
import {
  environment,
  only,
  provisioner,
  type Raw,
  resources,
  synthesize,
} from "./synthesize";

const RTX = { accelerator: "nvidia-rtx-pro-6000", cpu: 20, memory: "80Gi" };
const withServing = (serving: Raw, changes: Raw = {}) =>
  synthesize(environment(changes, { serving }));
const template = (stack: ReturnType<typeof synthesize>) =>
  only(stack, "google_cloud_run_v2_service").template;
const container = (serving: Raw = {}) =>
  template(withServing(serving)).containers[0];
const grants = (stack: ReturnType<typeof synthesize>, member: string) =>
  resources(stack, "google_storage_bucket_iam_member")
    .filter((grant) => grant.member.includes(`service_account.${member}_`))
    .map(({ role, condition }) => [role, condition?.expression ?? ""])
    .sort();

describe("the image of the service", () => {
  test("is built for CUDA 12.9 on an L4, whose driver then gets the compatibility library", () => {
    const stack = synthesize();
    const [l4] = template(stack).containers;
    const build = provisioner(stack, "provision/build-image.ts", "vllm");

    expect(l4.image).toMatch(/:b{16}-cuda12$/);
    expect(build.provisioner[0]["local-exec"].environment.BUILD_ARGUMENTS).toBe(
      '{"BASE":"cuda12"}',
    );
    expect(l4.env).toContainEqual({
      name: "VLLM_ENABLE_CUDA_COMPATIBILITY",
      value: "1",
    });
  });

  test("is the plain one on a driver that knows CUDA 13, without the library", () => {
    const rtx = container(RTX);

    expect(rtx.image).toMatch(/:b{16}-cuda13$/);
    expect(JSON.stringify(rtx)).not.toContain("COMPATIBILITY");
  });

  test("is another one by setting, and still gets what the driver needs", () => {
    const chosen = container({ cuda: "13.0" });

    expect(chosen.image).toMatch(/-cuda13$/);
    expect(JSON.stringify(chosen.env)).toContain("COMPATIBILITY");
  });

  test("is built once for each variant that models ask for", () => {
    const model = (service: string, serving: Raw) => ({
      training: { job: `job-${service}` },
      serving: { service, ...serving },
    });
    const stack = synthesize(
      environment({
        models: {
          one: model("one", {}),
          two: model("two", {}),
          three: model("three", RTX),
        },
      }),
    );
    const tags = resources(stack, "null_resource")
      .map((build) => build.provisioner[0]["local-exec"].environment)
      .filter(({ CONTEXT }) => CONTEXT === "vllm")
      .map(({ TAG }) => TAG);

    expect(tags.sort()).toEqual([
      "bbbbbbbbbbbbbbbb-cuda12",
      "bbbbbbbbbbbbbbbb-cuda13",
    ]);
  });

  test("has a base for every CUDA version that the settings know", () => {
    const dockerfile = readFileSync("vllm/Dockerfile", "utf8");

    for (const [cuda, base] of Object.entries(CUDA_BASES)) {
      expect(dockerfile).toMatch(
        new RegExp(`^FROM \\S+ AS ${base}\nENV TUNESERVE_CUDA=${cuda}$`, "m"),
      );
    }
  });
});

describe("the serving container", () => {
  test("starts eagerly from the mounted bucket by default", () => {
    expect(container().args.slice(2)).toEqual([
      "--port=8000",
      "--max-model-len=2048",
      "--max-num-seqs=64",
      "--gpu-memory-utilization=0.9",
      "--enable-prefix-caching",
      "--load-format=mount",
      "--verify=sizes",
      "--enforce-eager",
    ]);
  });

  test("gets as many requests at a time as vLLM takes", () => {
    const { max_instance_request_concurrency, containers } = template(
      withServing({ maxNumSeqs: 7 }),
    );

    expect(max_instance_request_concurrency).toBe(7);
    expect(containers[0].args).toContain("--max-num-seqs=7");
  });

  test("streams the weights from the bucket, and mounts nothing then", () => {
    const stack = withServing({ loadFormat: "stream" });
    const { containers, volumes } = template(stack);

    expect(volumes).toBeUndefined();
    expect(containers[0].volume_mounts).toBeUndefined();
    expect(containers[0].args[0]).toMatch(
      /^--model=gs:\/\/\$\{google_storage_bucket\.models_\w+\.name\}\/gemma-2b-sql-finetuned\/[0-9a-f]{12}$/,
    );
    expect(containers[0].args).toEqual(
      expect.arrayContaining(["--load-format=stream", "--stream-memory-gib=4"]),
    );
    expect(grants(stack, "serve")).toEqual([
      ["roles/storage.legacyBucketReader", ""],
      ["roles/storage.objectViewer", ""],
    ]);
  });

  test("compiles by setting, and captures the batch sizes of the settings", () => {
    const { args } = container({ start: "compiled", captureSizes: [1, 2, 4] });

    expect(args).not.toContain("--enforce-eager");
    expect(args.slice(-4)).toEqual([
      "--cudagraph-capture-sizes",
      "1",
      "2",
      "4",
    ]);
  });

  test("is told of the other settings", () => {
    const { args, env } = container({
      prefixCaching: false,
      verify: "all",
      metrics: true,
      args: ["--seed=1"],
    });

    expect(args).toEqual(
      expect.arrayContaining(["--no-enable-prefix-caching", "--verify=all"]),
    );
    expect(args.at(-1)).toBe("--seed=1");
    expect(env).toContainEqual({ name: "TUNESERVE_METRICS", value: "1" });
    expect(JSON.stringify(container().env)).not.toContain("METRICS");
  });

  test("gets more CPU while it starts where it has fewer than 8", () => {
    const small = container({ cpu: 4, memory: "16Gi" });

    expect(small.resources.startup_cpu_boost).toBe(true);
    expect(container().resources).not.toHaveProperty("startup_cpu_boost");
  });

  test("can read the bucket through the network, where the job does not", () => {
    const stack = withServing({ egress: "all" });

    expect(template(stack).vpc_access.egress).toBe("ALL_TRAFFIC");
    expect(
      only(stack, "google_cloud_run_v2_job").template.template.vpc_access
        .egress,
    ).toBe("PRIVATE_RANGES_ONLY");
  });
});

describe("the compile cache", () => {
  const stack = withServing({ start: "compiled", compileCache: true });

  test("is created by the service alone, below a folder of its own", () => {
    const below = expect.stringMatching(
      /^resource\.name\.startsWith\(".+\/objects\/compile-cache\/"\)$/,
    );

    expect(template(stack).containers[0].args.at(-1)).toMatch(
      /^--compile-cache=gs:\/\/\$\{.+\}\/compile-cache$/,
    );
    expect(grants(stack, "serve")).toEqual([
      ["roles/storage.objectCreator", below],
      ["roles/storage.objectViewer", ""],
    ]);
  });

  test("is closed to training code, since services run what is in it", () => {
    const creator = grants(stack, "train").find(
      ([role]) => role === "roles/storage.objectCreator",
    );

    expect(creator?.[1]).toMatch(
      /^!resource\.name\.startsWith\(".+\/compile-cache\/"\)$/,
    );
  });

  test("is forgotten after 90 days, and not there by default", () => {
    const rule = {
      action: { type: "Delete" },
      condition: { age: 90, matches_prefix: ["compile-cache/"] },
    };
    const rules = (of: typeof stack) =>
      resources(of, "google_storage_bucket").find((b) => b.versioning)
        ?.lifecycle_rule;

    expect(rules(stack)).toContainEqual(rule);
    expect(JSON.stringify(synthesize())).not.toContain("compile-cache");
  });
});

describe("serving settings", () => {
  const NETWORK = { network: "none" };
  const OWN = { image: "r-docker.pkg.dev/p/r/i:t", command: ["server"] };

  test.each<[string, Raw, Raw, RegExp]>([
    [
      "the streamer takes more than half of the memory",
      { loadFormat: "stream", streamMemoryGib: 17 },
      {},
      /streamMemoryGib: got 17; allowed: at most 16, half of memory 32Gi/,
    ],
    [
      "the streamer's memory is set and nothing streams",
      { streamMemoryGib: 2 },
      {},
      /streamMemoryGib: got 2; allowed: not set, or loadFormat stream/,
    ],
    [
      "graphs are captured in an eager start",
      { captureSizes: [1] },
      {},
      /captureSizes: got \[1\]; allowed: not set, or start compiled/,
    ],
    [
      "larger batches are captured than there can be",
      { start: "compiled", captureSizes: [1, 128] },
      {},
      /captureSizes: .*allowed: batch sizes up to maxNumSeqs 64/,
    ],
    [
      "no batch is captured",
      { start: "compiled", captureSizes: [] },
      {},
      /captureSizes: got \[\]; allowed: a list of batch sizes/,
    ],
    [
      "nothing is compiled that could be kept",
      { compileCache: true },
      {},
      /compileCache: got true; allowed: false, or start compiled/,
    ],
    [
      "egress is set without a network",
      { egress: "all" },
      NETWORK,
      /egress: got "all"; allowed: not set, or a network/,
    ],
    [
      "an argument says what a setting says",
      { args: ["--max-num-seqs=8"] },
      {},
      /args: .*allowed: no --max-num-seqs: serving.maxNumSeqs says it/,
    ],
    [
      "an argument names another model",
      { args: ["--model", "x"] },
      {},
      /allowed: no --model: the run id decides, or the model's pin/,
    ],
    [
      "another image is told to stream",
      { ...OWN, loadFormat: "stream" },
      {},
      /loadFormat: got "stream"; allowed: its default beside serving.command/,
    ],
    [
      "another image is told a context that it does not hear of",
      { ...OWN, maxModelLen: 4096 },
      {},
      /maxModelLen: got 4096; allowed: its default beside .* serving\.args/,
    ],
    [
      "an image that is not built is to have another CUDA",
      { image: OWN.image, cuda: "13.0" },
      {},
      /cuda: got "13.0"; allowed: auto beside serving.image/,
    ],
    [
      "a load format is misspelt",
      { loadFormat: "fuse" },
      {},
      /loadFormat: got "fuse"; allowed: mount or stream/,
    ],
    [
      "CUDA is of another version",
      { cuda: "12.4" },
      {},
      /cuda: got "12.4"; allowed: auto, 12.9 or 13.0/,
    ],
  ])("fails when %s", (_, serving, changes, message) => {
    expect(() => withServing(serving, changes)).toThrow(message);
  });
});
