import { mkdtempSync, readFileSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import {
  jobContainer,
  localized,
  resolved,
  serviceContainer,
} from "../rehearsal/container";
import { entrypoint } from "../rehearsal/entrypoint";
import type { SynthesizedStack } from "../rehearsal/synthesized-stack";

const VOLUME = {
  volumes: [
    {
      name: "models",
      gcs: { bucket: "${google_storage_bucket.models_1.name}" },
    },
  ],
};
const MOUNT = {
  volume_mounts: [{ name: "models", mount_path: "/finetune/new_model" }],
};

function stack(job: object = {}, service: object = {}): SynthesizedStack {
  return {
    resource: {
      google_storage_bucket: { models_1: { name: "p-models" } },
      google_cloud_run_v2_job: {
        job_1: {
          template: {
            template: {
              ...VOLUME,
              containers: [
                {
                  image: "trainer",
                  env: [
                    {
                      name: "OUTPUT_URI",
                      value:
                        "gs://${google_storage_bucket.models_1.name}/sql/0123",
                    },
                    { name: "PROMPT_TEMPLATE", value: "Question: {question}" },
                    {
                      name: "HF_TOKEN",
                      value_source: { secret_key_ref: { secret: "HF_TOKEN" } },
                    },
                  ],
                  ...MOUNT,
                  ...job,
                },
              ],
            },
          },
        },
      },
      google_cloud_run_v2_service: {
        service_1: {
          template: {
            ...VOLUME,
            containers: [
              {
                image: "vllm",
                args: ["--model=/finetune/new_model/sql/0123", "--port=8000"],
                ...MOUNT,
                ...service,
              },
            ],
          },
        },
      },
    },
  };
}

describe("a container of the synthesized stack", () => {
  test("has the job's plain environment with references resolved", () => {
    expect(jobContainer(stack()).environment).toEqual({
      OUTPUT_URI: "gs://p-models/sql/0123",
      PROMPT_TEMPLATE: "Question: {question}",
    });
  });

  test("has the service's arguments, and the bucket behind its volume", () => {
    const container = serviceContainer(stack());
    expect(container.args).toEqual([
      "--model=/finetune/new_model/sql/0123",
      "--port=8000",
    ]);
    expect(container.bucket).toBe("p-models");
    expect(container.mountPath).toBe("/finetune/new_model");
  });

  test("keeps a command that the stack sets", () => {
    const container = serviceContainer(stack({}, { command: ["python", "x"] }));
    expect(container.command).toEqual(["python", "x"]);
  });

  test("runs with the bucket's folder in place of bucket and mount path, and nothing else", () => {
    expect(localized(jobContainer(stack()), "/tmp/b").environment).toEqual({
      OUTPUT_URI: "/tmp/b/sql/0123",
      PROMPT_TEMPLATE: "Question: {question}",
    });
    expect(localized(serviceContainer(stack()), "/tmp/b").args).toEqual([
      "--model=/tmp/b/sql/0123",
      "--port=8000",
    ]);
  });

  test("keeps the names of other buckets and paths that only begin alike", () => {
    const env = [
      { name: "OTHER", value: "gs://p-models-old/x" },
      { name: "PATH_LIKE", value: "/finetune/new_model2" },
    ];
    expect(
      localized(jobContainer(stack({ env })), "/tmp/b").environment,
    ).toEqual({
      OTHER: "gs://p-models-old/x",
      PATH_LIKE: "/finetune/new_model2",
    });
  });

  test("fails when it uses what only Google Cloud knows", () => {
    const env = [
      { name: "URL", value: "${google_cloud_run_v2_service.service_1.uri}" },
    ];
    expect(() => jobContainer(stack({ env }))).toThrow(
      "uses ${google_cloud_run_v2_service.service_1.uri}, which the synthesized stack does not set",
    );
  });

  test("fails when it mounts no bucket", () => {
    expect(() => jobContainer(stack({ volume_mounts: [] }))).toThrow(
      "mounts no bucket",
    );
  });

  test("fails when the stack has no job", () => {
    expect(() => jobContainer({ resource: {} })).toThrow(
      "0 resources of type google_cloud_run_v2_job",
    );
  });
});

describe("a reference", () => {
  test("is followed through other references", () => {
    const { resource } = stack();
    resource.a = { b: { c: "x-${google_storage_bucket.models_1.name}" } };
    expect(resolved({ resource }, "${a.b.c}/y")).toBe("x-p-models/y");
  });

  test("stays as it is when Terraform's escape makes it a literal", () => {
    expect(resolved(stack(), "$${not.a.reference}")).toBe("${not.a.reference}");
  });
});

describe("the ENTRYPOINT of a Dockerfile", () => {
  const dockerfile = (text: string) => {
    const file = join(mkdtempSync(join(tmpdir(), "dockerfile-")), "Dockerfile");
    writeFileSync(file, text);
    return file;
  };

  test("of both images is their Python module", () => {
    const of = (folder: string) =>
      entrypoint(resolve(__dirname, "..", folder, "Dockerfile"));
    expect(of("trainer")).toEqual(["python", "-m", "finetune"]);
    expect(of("vllm")).toEqual(["python3", "-m", "serve"]);
  });

  test("is the last one, also over several lines", () => {
    const text = 'FROM x\nENTRYPOINT ["a"]\nentrypoint ["b", \\\n  "c"]\n';
    expect(entrypoint(dockerfile(text))).toEqual(["b", "c"]);
  });

  test("fails when it has the shell form", () => {
    expect(() => entrypoint(dockerfile("ENTRYPOINT python -m x\n"))).toThrow(
      "ENTRYPOINT python -m x; the JSON form is needed",
    );
  });

  test("fails when there is none", () => {
    expect(() => entrypoint(dockerfile("FROM x\n"))).toThrow("no ENTRYPOINT");
  });
});

test("a rehearsal's settings name the bucket that they fill", () => {
  const text = readFileSync(
    resolve(__dirname, "../rehearsal/settings.json"),
    "utf8",
  );
  const { rehearsal } = JSON.parse(text).environments;
  const [model] = Object.values<Record<string, { id: string }>>(
    rehearsal.models,
  );
  const prefix = `gs://${rehearsal.bucket.name}/`;
  expect(model!.base!.id.startsWith(prefix)).toBe(true);
  expect(model!.dataset!.id.startsWith(prefix)).toBe(true);
});
