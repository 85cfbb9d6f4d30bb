import {
  existsSync,
  mkdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from "node:fs";
import { delimiter, dirname, join } from "node:path";
import {
  bytecodeFolder,
  pythonEnvironment,
} from "../../../commands/python-environment";
import { LocalProcess } from "../../local-process";
import type { BuiltImage } from "../build/built-image";
import type { Cloud } from "../cloud";
import { randomHex, shortName } from "../identifiers";
import type { Secrets } from "../run/secrets";
import type { Json } from "../state";
import { MountedBucket } from "../storage/mounted-bucket";
import { localText } from "./local-text";
import { LogTail } from "./log-tail";
import { memoryExceeded, memoryLimit, watchMemory } from "./memory-limit";
import { MetadataServer } from "./metadata-server";
import type { Ending, Workload, WorkloadProps } from "./workload";

/**
 * Starts a container as a local process: the image's ENTRYPOINT in the image's files, with nothing of
 * this process's environment, the account's tokens at a metadata server, and a folder in place of each
 * mounted bucket.
 */
export async function startProcess(
  cloud: Cloud,
  props: WorkloadProps,
): Promise<Workload> {
  const { image, template, name, log } = props;
  const container: Json = template["containers"][0];
  const built: BuiltImage = JSON.parse(
    readFileSync(join(image.folder, "image.json"), "utf8"),
  );
  const rootfs = join(image.folder, "rootfs");
  const folder = join(cloud.settings.folder, "containers", shortName(name));
  // Of its own: tasks of an execution run side by side, and an attempt finds nothing of an earlier one.
  const id = randomHex(6);
  const home = join(folder, `${id}-home`);
  mkdirSync(home, { recursive: true });
  const secretFolder = join(folder, `${id}-secrets`);
  writeSecrets(secretFolder, props.secrets);
  const local = localText(
    cloud,
    template,
    { secrets: secretFolder, empty: join(folder, `${id}-volumes`) },
    props.port,
  );
  const metadata = await MetadataServer.start(
    cloud,
    template["serviceAccount"],
  );
  const file = join(folder, `${id}.log`);
  const entrypoint: string[] = container["command"] ?? built.entrypoint;
  const args: string[] = container["args"] ?? built.cmd;
  const own = Object.fromEntries(
    (container["env"] ?? []).map(({ name, value = "" }: Json) => [
      name,
      local(value),
    ]),
  );
  // Before the process: it could delete a file that nobody has seen yet.
  const account = `serviceAccount:${template["serviceAccount"]}`;
  const mounted = (template["volumes"] ?? []).flatMap(({ gcs }: Json) =>
    gcs
      ? [new MountedBucket(cloud, gcs.bucket, account, gcs.readOnly === true)]
      : [],
  );
  const python = pythonEnvironment();
  const work = new LocalProcess({
    name: shortName(name),
    command: [...entrypoint, ...args].map((word) => {
      const inImage = join(rootfs, word);
      return word.startsWith("/") && existsSync(inImage)
        ? inImage
        : local(word);
    }),
    folder: join(rootfs, built.workdir),
    log: file,
    environment: {
      // The image's RUN lines were not carried out: its Python is that of the tests.
      PATH: [dirname(python), process.env.PATH].join(delimiter),
      HOME: home,
      PYTHONPYCACHEPREFIX: bytecodeFolder(),
      ...built.env,
      // Where Google's clients find the token and Cloud Storage.
      GCE_METADATA_HOST: metadata.host,
      GCE_METADATA_IP: metadata.host,
      API_ENDPOINT_OVERRIDE: cloud.origin,
      ...own,
      ...props.secrets.variables,
      ...props.environment,
      ...(props.port === undefined ? {} : { PORT: String(props.port) }),
    },
  });
  const tail = new LogTail(file, (line) => cloud.logs.line(log, line));
  const limit = memoryLimit(container);
  const memory = watchMemory(work, limit, (used) =>
    cloud.logs.line(log, memoryExceeded(limit, used), "ERROR"),
  );
  const ended = work.ended
    .catch((error: Error) => {
      cloud.logs.line(log, error.message, "ERROR");
      return 127;
    })
    .then(async (code): Promise<Ending> => {
      memory.end();
      rmSync(secretFolder, { recursive: true, force: true });
      await Promise.all([tail.end(), metadata.close()]);
      for (const bucket of mounted as MountedBucket[]) {
        for (const line of await bucket.takeChanges()) {
          cloud.logs.line(log, line, "ERROR");
        }
      }
      return {
        exitCode: code,
        ...(code > 128 ? { signal: code - 128 } : {}),
        ...(memory.exceeded ? { cause: "memory" as const } : {}),
      };
    });
  return { ended, stop: () => work.stop() };
}

/** A folder for each volume of secrets. */
function writeSecrets(folder: string, { files }: Secrets): void {
  for (const [volume, contents] of Object.entries(files)) {
    for (const [path, content] of Object.entries(contents)) {
      const file = join(folder, volume, path);
      mkdirSync(dirname(file), { recursive: true });
      writeFileSync(file, content, { mode: 0o400 });
    }
  }
}
