import { spawn, spawnSync } from "node:child_process";
import {
  mkdirSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from "node:fs";
import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import path from "node:path";

const STACK = {
  terraform: {
    backend: { local: { path: "../../../terraform.dev.tfstate" } },
    required_providers: {
      google: { source: "google", version: "6.50.0" },
      null: { source: "null", version: "3.2.4" },
    },
  },
  provider: { google: [{ project: "proj-a", region: "us-central1" }] },
  resource: {
    google_storage_bucket: {
      models: { name: "proj-a-models", location: "us-central1" },
    },
    null_resource: {
      run: {
        triggers: { bucket: "${google_storage_bucket.models.url}" },
      },
    },
    google_cloud_run_v2_job: {},
  },
};

/**
 * Mounted by nothing real, so that the test needs no job: the kept bucket is
 * found by this.
 */
const JOB = {
  count: 0,
  name: "job",
  location: "us-central1",
  template: {
    template: {
      containers: [{ image: "image" }],
      volumes: [
        { name: "m", gcs: { bucket: "${google_storage_bucket.models.name}" } },
      ],
    },
  },
};

const root = mkdtempSync(path.join(tmpdir(), "tuneserve-real-terraform-"));
const stack = path.join(root, "cdktf.out/stacks/dev");
const buckets = new Map<string, object>();
let server: Server;

mkdirSync(stack, { recursive: true });
writeFileSync(path.join(root, "main.ts"), "// everything is there\n");
writeFileSync(
  path.join(root, "cdktf.out/manifest.json"),
  JSON.stringify({
    stacks: { dev: { name: "dev", workingDirectory: "stacks/dev" } },
  }),
);
writeFileSync(
  path.join(stack, "cdk.tf.json"),
  JSON.stringify({
    ...STACK,
    resource: { ...STACK.resource, google_cloud_run_v2_job: { job: JOB } },
  }),
);
const initialized = spawnSync("terraform", [`-chdir=${stack}`, "init"], {
  env: { ...process.env, CHECKPOINT_DISABLE: "1" },
});
const available = initialized.status === 0;
if (!available) {
  // Jest keeps the console of a file without tests that ran to itself.
  process.stderr.write("skipped: terraform cannot find the providers here\n");
}

afterAll(() => rmSync(root, { recursive: true, force: true }));

(available ? describe : describe.skip)("with the real Terraform", () => {
  beforeAll(async () => {
    server = createServer((request, response) => {
      const chunks: Buffer[] = [];
      request.on("data", (chunk: Buffer) => chunks.push(chunk));
      request.on("end", () => {
        const [status, body] = answer(
          request.method ?? "",
          (request.url ?? "").replace(/\?.*/, ""),
          Buffer.concat(chunks).toString(),
        );
        response.writeHead(status, { "content-type": "application/json" });
        response.end(JSON.stringify(body));
      });
    });
    await new Promise<void>((done) => server.listen(0, "127.0.0.1", done));
  });

  afterAll(() => new Promise((done) => server.close(done)));

  /** As much of Cloud Storage and Resource Manager as one bucket needs. */
  function answer(method: string, url: string, text: string): [number, object] {
    if (url === "/rm/v1/projects/proj-a") {
      return [200, { projectId: "proj-a", projectNumber: "123" }];
    }
    const name = /^\/storage\/v1\/b\/([^/]+)$/.exec(url)?.[1];
    if (method === "POST" && url === "/storage/v1/b") {
      const bucket = JSON.parse(text);
      if (buckets.has(bucket.name)) {
        return [409, { error: { code: 409, message: "you already own it" } }];
      }
      buckets.set(bucket.name, {
        ...bucket,
        id: bucket.name,
        projectNumber: "123",
        storageClass: "STANDARD",
        location: bucket.location.toUpperCase(),
        locationType: "region",
      });
      return [200, buckets.get(bucket.name) ?? {}];
    }
    if (url === "/storage/v1/b/proj-a-models/o") {
      return [200, {}];
    }
    const found = buckets.get(name ?? "");
    if (found && method === "DELETE") {
      buckets.delete(name ?? "");
    }
    return found ? [200, found] : [404, { error: { code: 404 } }];
  }

  /** Exit code of a command. Its output is shown where it fails. */
  function run(command: string, ...args: string[]): Promise<number | null> {
    const local = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
    const child = spawn(
      process.execPath,
      [
        "-r",
        require.resolve("../swc-register.cjs"),
        path.join(__dirname, "..", "commands", `${command}.ts`),
        "--auto-approve",
        ...args,
      ],
      {
        cwd: root,
        env: {
          ...process.env,
          CHECKPOINT_DISABLE: "1",
          GOOGLE_OAUTH_ACCESS_TOKEN: "fake",
          GOOGLE_STORAGE_CUSTOM_ENDPOINT: `${local}/storage/v1/`,
          GOOGLE_RESOURCE_MANAGER_CUSTOM_ENDPOINT: `${local}/rm/v1/`,
        },
        stdio: ["ignore", "pipe", "pipe"],
      },
    );
    let output = "";
    child.stdout.on("data", (text) => (output += text));
    child.stderr.on("data", (text) => (output += text));
    return new Promise((done) =>
      child.once("close", (code) => {
        if (code !== 0) console.error(output);
        done(code);
      }),
    );
  }

  const addresses = () => {
    const state = JSON.parse(
      readFileSync(path.join(root, "terraform.dev.tfstate"), "utf8"),
    );
    return state.resources
      .map(({ type, name }: Record<string, string>) => `${type}.${name}`)
      .sort();
  };

  test("a bucket survives destroy, and the next deploy takes it over", async () => {
    const all = ["google_storage_bucket.models", "null_resource.run"];

    expect(await run("deploy")).toBe(0);
    expect(addresses()).toEqual(all);
    const made = buckets.get("proj-a-models");

    expect(await run("destroy")).toBe(0);
    expect(addresses()).toEqual([]);

    expect(await run("deploy")).toBe(0);
    expect(addresses()).toEqual(all);
    expect(buckets.get("proj-a-models")).toBe(made);

    expect(await run("destroy", "--with-models")).toBe(0);
    expect([...buckets.keys()]).toEqual([]);
  }, 120_000);
});
