import { spawn, spawnSync } from "node:child_process";
import {
  mkdirSync,
  mkdtempSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { deflateRawSync, gzipSync } from "node:zlib";
import { Canary } from "../rehearsal/canary/canary";
import { forms, type Marker, markerText } from "../rehearsal/canary/marker";
import { ProcessWatch } from "../rehearsal/canary/process-watch";
import {
  datasetMarker,
  tokenMarker,
} from "../rehearsal/canary/rehearsal-markers";
import { fileContains, filesIn } from "../rehearsal/canary/search-folder";
import { LocalCloud } from "./local-cloud";

const TEXT = markerText("hf_canary");
const folder = mkdtempSync(join(tmpdir(), "tuneserve-canary-"));
afterAll(() => rmSync(folder, { recursive: true }));

function file(name: string, content: string | Buffer): string {
  const path = join(folder, name);
  writeFileSync(path, content);
  return path;
}

/** A zip of one deflated member, as Terraform saves plans: sizes after the data, a directory at the end. */
function zip(content: string | Buffer): Buffer {
  const packed = deflateRawSync(content);
  const name = Buffer.from("tfstate");
  const local = Buffer.alloc(30);
  local.write("PK\x03\x04");
  local.writeUInt16LE(8, 6);
  local.writeUInt16LE(8, 8);
  local.writeUInt16LE(name.length, 26);
  const entry = Buffer.alloc(46);
  entry.write("PK\x01\x02");
  entry.writeUInt16LE(8, 10);
  entry.writeUInt32LE(packed.length, 20);
  entry.writeUInt16LE(name.length, 28);
  const end = Buffer.alloc(22);
  end.write("PK\x05\x06");
  end.writeUInt16LE(1, 10);
  end.writeUInt32LE(local.length + name.length + packed.length, 16);
  return Buffer.concat([local, name, packed, entry, name, end]);
}

describe("the search of the canary finds a marker", () => {
  test.each<[string, string | Buffer]>([
    ["as it is", `{"x": "${TEXT}"}`],
    [
      "in base64, wherever it begins",
      Buffer.from(`x${TEXT}`).toString("base64"),
    ],
    ["in base64, one further", Buffer.from(`xy${TEXT}z`).toString("base64")],
    ["in hexadecimal", Buffer.from(TEXT).toString("hex")],
    ["in UTF-16", Buffer.from(TEXT, "utf16le")],
    ["in gzip, as sources of builds are", gzipSync(`a tar with ${TEXT}`)],
    ["in a zip, as saved plans are", zip(`{"token": "${TEXT}"}`)],
    ["in a gzip in a zip", zip(gzipSync(TEXT))],
    [
      "over the border of two chunks",
      Buffer.concat([Buffer.alloc((1 << 23) - 5), Buffer.from(TEXT)]),
    ],
    [
      "in the third chunk",
      Buffer.concat([Buffer.alloc(1 << 24), Buffer.from(TEXT)]),
    ],
  ])("%s", (_how, content) => {
    expect(fileContains(file("planted", content), forms(TEXT))).toBe(true);
    expect(
      fileContains(file("planted", content), forms(markerText("hf_canary"))),
    ).toBe(false);
  });

  test("in all folders, and follows no link", () => {
    mkdirSync(join(folder, "a/b"), { recursive: true });
    file("a/b/deep", TEXT);
    symlinkSync("/etc", join(folder, "a/link"));

    expect(filesIn(join(folder, "a"))).toEqual([join(folder, "a/b/deep")]);
  });

  test("in the environment and the arguments of a process", async () => {
    const marker: Marker = { name: "token", text: TEXT, permitted: [] };
    const watch = new ProcessWatch([marker]);
    const args = ["-e", "setTimeout(() => 0, 20_000)"];
    const PATH = process.env["PATH"];
    const children = [
      spawn(process.execPath, args, { env: { PATH, SECRET: TEXT } }),
      spawn(process.execPath, [...args, TEXT], {
        env: { PATH, CLOUD_RUN_EXECUTION: "run-1" },
      }),
    ];
    for (
      const began = Date.now();
      watch.found.size < 2 && Date.now() - began < 10_000;
    ) {
      await sleep(50);
    }
    watch.end();
    children.forEach((child) => child.kill("SIGKILL"));

    expect([...watch.found].sort()).toEqual([
      `token\targuments of the container of execution run-1`,
      `token\tenvironment of node ${args.join(" ")}`,
    ]);
  }, 20_000);

  test("in a process whose parent has ended, and in none that it did not start", async () => {
    const watch = new ProcessWatch([
      { name: "token", text: TEXT, permitted: [] },
    ]);
    const sleeping = "setTimeout(() => 0, 20_000)";
    // Meanwhile nothing is looked at: when it returns, the shell has gone.
    const stranger = Number(
      spawnSync(
        "sh",
        [
          "-c",
          `"$0" -e "$1" "$2" > /dev/null 2>&1 & echo $!`,
          process.execPath,
          sleeping,
          TEXT,
        ],
        { encoding: "utf8" },
      ).stdout,
    );
    const shell = spawn("sh", [
      "-c",
      `"$0" -e "$1" & echo $! && read -r end`,
      process.execPath,
      sleeping,
    ]);
    const orphan = await new Promise<number>((known) =>
      shell.stdout.once("data", (id: Buffer) => known(Number(id))),
    );
    watch.look();
    shell.kill("SIGKILL");
    await new Promise((ended) => shell.once("exit", ended));
    watch.seen.clear();
    watch.look();
    watch.end();
    for (const pid of [stranger, orphan]) process.kill(pid, "SIGKILL");

    expect([...watch.seen]).toContain(orphan);
    expect([...watch.seen]).not.toContain(stranger);
    expect([...watch.found]).toEqual([]);
  }, 20_000);
});

describe("the canary", () => {
  let cloud: LocalCloud;
  let written: string;
  beforeEach(async () => {
    cloud = await LocalCloud.start({ containers: "stub" });
    written = mkdtempSync(join(folder, "rehearsal-"));
  });
  afterEach(() => cloud.close());

  const marker: Marker = {
    name: "token",
    text: TEXT,
    permitted: [
      { place: /^gs:\/\/inputs\/data\//, why: "the dataset", expected: true },
    ],
  };

  async function planted(): Promise<Canary> {
    await cloud.bucket("inputs");
    await cloud.upload("inputs", "data/train.jsonl", TEXT);
    return new Canary(
      [marker],
      cloud.server.cloud.settings.folder,
      cloud.server,
    );
  }

  test("says what it searched, and where it found what may be there", async () => {
    const canary = await planted();

    expect(canary.finish()).toMatch(
      /^canary: token found nowhere but the dataset \(\d+ files, \d+ processes, \d+ requests\)$/,
    );
  });

  test("fails with every place: objects, log entries, resources, refused requests, files", async () => {
    const canary = await planted();
    const { logs, state } = cloud.server.cloud;
    await cloud.upload("inputs", "other/object", TEXT);
    logs.line({ type: "build", resourceLabels: { build_id: "1" } }, TEXT);
    state.jobs["job"] = { env: [{ name: "HF_TOKEN", value: TEXT }] };
    await cloud.refusal(cloud.get("storage", `b/${TEXT}`));
    const images = join(cloud.server.cloud.settings.folder, "images");
    mkdirSync(images, { recursive: true });
    writeFileSync(join(images, "layer"), TEXT);

    expect(() => canary.finish()).toThrow(
      [
        "The canary:",
        "the marker of the token: cloud's jobs",
        "the marker of the token: cloud's logEntries",
        "the marker of the token: cloud's requests",
        "the marker of the token: gs://inputs/other/object",
        "the marker of the token: images/layer",
      ].join("\n  "),
    );
  });

  test("fails for what was there at an earlier search and is gone", async () => {
    const canary = await planted();
    const state = join(cloud.server.cloud.settings.folder, "terraform.tfstate");
    writeFileSync(state, TEXT);
    canary.search();
    rmSync(state);

    expect(() => canary.finish()).toThrow("the token: terraform.tfstate");
  });

  test("searches a file again that changed", async () => {
    const canary = await planted();
    const state = join(cloud.server.cloud.settings.folder, "terraform.tfstate");
    writeFileSync(state, "nothing");
    canary.search();
    writeFileSync(state, `now: ${TEXT}`);

    expect(() => canary.finish()).toThrow("the token: terraform.tfstate");
  });

  test("fails when it does not see what must be there: it may be blind", () => {
    const canary = new Canary([marker], written, cloud.server);

    expect(() => canary.finish()).toThrow(
      "the search did not see the token of the dataset: is it blind?",
    );
  });

  test("lets a token be with Terraform, the trainer and Secret Manager, and with nobody else", () => {
    const { permitted } = tokenMarker();
    const may = (place: string) =>
      permitted.some((one) => one.place.test(place));

    expect(
      [
        "environment of terraform apply -json",
        "environment of terraform-provider-google_v6.50.0_x5",
        "environment of the container of execution run-1",
        "cloud's secretVersions",
      ].filter((place) => !may(place)),
    ).toEqual([]);
    expect(
      [
        "arguments of terraform apply",
        "environment of node -r ./swc-register.cjs provision/run-training.ts",
        "environment of terraformer",
        "cloud's secrets",
        "terraform.rehearsal.tfstate",
      ].filter(may),
    ).toEqual([]);
  });

  test("lets rows be in the dataset and with the version that they judged, and in no log or checkpoint", () => {
    const { permitted } = datasetMarker("0");
    const may = (place: string) =>
      permitted.some((one) => one.place.test(place));
    const version = "gs://rehearsal-models/smollm2-135m-sql/e952484d1c62";

    expect(
      [
        "data/train.jsonl",
        "gs://rehearsal-inputs/data/seed-0/train.jsonl",
        `${version}/golden.json`,
        `${version}/evaluation.json`,
        `${version}/report.html`,
      ].filter((place) => !may(place)),
    ).toEqual([]);
    expect(
      [
        "cloud's logEntries",
        "cloud/containers/run-1/a.log",
        `${version}/manifest.json`,
        "gs://rehearsal-models/checkpoints/smollm2-135m-sql/e952484d1c62/training.json",
        "gs://other/smollm2-135m-sql/e952484d1c62/golden.json",
        "environment of the container of execution run-1",
      ].filter(may),
    ).toEqual([]);
  });
});
