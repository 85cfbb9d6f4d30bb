import { spawnSync } from "node:child_process";
import { chmodSync, mkdtempSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { delimiter, join } from "node:path";
import { imageBuild } from "../provision/image-build";

/** Runs the write check as Cloud Build would, with a docker that is a script. */
function writeCheck(push: string, seconds = "0") {
  const bin = mkdtempSync(join(tmpdir(), "bin-"));
  const program = (name: string, body: string) => {
    writeFileSync(join(bin, name), `#!/bin/bash\n${body}\n`);
    chmodSync(join(bin, name), 0o755);
  };
  program(
    "docker",
    `[ "$1" = push ] || exit 0\ntries=${bin}/tries\necho >> $tries\n${push}`,
  );
  program("sleep", "");
  const { steps } = imageBuild({
    projectId: "p",
    serviceAccount: "b@p.iam.gserviceaccount.com",
    image: "r-docker.pkg.dev/p/repo/trainer:tag",
    buildArguments: {},
    source: { bucket: "s", object: "o", generation: "1" },
    machineType: "E2_HIGHCPU_32",
    diskSizeGb: 200,
    timeoutSeconds: 3600,
    tags: [],
  });
  const script = (steps?.[0]?.args?.[1] ?? "").replaceAll("$$", "$");
  return spawnSync("bash", ["-c", `SECONDS=${seconds}\n${script}`], {
    encoding: "utf8",
    env: { PATH: `${bin}${delimiter}${process.env["PATH"]}`, PROBE: "probe" },
  });
}

describe("the write check of a build", () => {
  test("tries until the registry lets it push", () => {
    const { stdout, status } = writeCheck(
      `[ $(wc -l < $tries) -ge 3 ] || { echo denied; exit 1; }`,
    );
    expect(status).toBe(0);
    expect(stdout.match(/may not push yet/g)).toHaveLength(2);
    expect(stdout).toMatch(/may push\n$/);
  });

  test("fails when the registry still denies it after ten minutes", () => {
    const { stdout, status } = writeCheck("echo denied; exit 1", "600");
    expect(status).toBe(1);
    expect(stdout).toMatch(/denied\nstill not allowed/);
  });
});
