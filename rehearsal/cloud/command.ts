import { resolve } from "node:path";
import {
  type Command,
  CommandError,
  readCommandLine,
  runAsProcess,
} from "../../commands/command-line";
import { endProcessesWithThisOne } from "../local-process";
import { cloudSettings, OPTIONS, wholeNumber } from "./command-options";
import { writeDeployerKey } from "./deployer";
import { cloudEnvironment } from "./environment";
import { CloudServer } from "./server";

const COMMAND: Command<typeof OPTIONS> = {
  name: "cloud",
  summary:
    "A local Google Cloud for Terraform, its Google provider and gcloud, on loopback and without an account.\n" +
    "Prints the environment that sends them here. Ctrl-C ends it and all that it runs.",
  options: OPTIONS,
};

/** `npx tuneserve-cloud`: runs until a signal ends it. */
async function cloud(argv: readonly string[]): Promise<number> {
  const line = readCommandLine(argv, COMMAND);
  if (line === null) {
    return 0;
  }
  const { values } = line;
  const port = wholeNumber("port", values.port, 8900);
  const settings = cloudSettings(values);
  endProcessesWithThisOne();
  let server: CloudServer;
  try {
    server = await CloudServer.start(settings, port);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== "EADDRINUSE") throw error;
    throw new CommandError(
      `Port ${port} is taken: end what listens there, or take another one: --port ${port + 1}, or --port 0 for any that is free.`,
    );
  }
  const { origin } = server.cloud;
  const keyFile = values["key-file"] && resolve(values["key-file"]);
  if (keyFile) await writeKey(server, keyFile);
  console.error(
    `A local Google Cloud listens at ${origin}${settings.containers === "stub" ? ", with STUBS in place of containers" : ""}. For another terminal:\n`,
  );
  for (const [name, value] of Object.entries(
    cloudEnvironment(server.cloud, keyFile),
  )) {
    console.log(`export ${name}=${quoted(value)}`);
  }
  console.error("\nCtrl-C ends it.");
  return 0;
}

async function writeKey(server: CloudServer, file: string): Promise<void> {
  try {
    writeDeployerKey(server.cloud, file);
  } catch (error) {
    await server.close();
    throw new CommandError(
      `--key-file: ${(error as Error).message}; allowed: a file that can be written`,
      2,
    );
  }
}

/** For a shell: a path may hold anything. */
function quoted(value: string): string {
  return /^[\w.:/@-]+$/.test(value)
    ? value
    : `'${value.replaceAll("'", "'\\''")}'`;
}

void runAsProcess(cloud);
