import { spawn } from "node:child_process";
import { join } from "node:path";
import { googleClient, type GoogleRequest } from "../provision/google-client";
import { Progress } from "../provision/progress";
import { type Session } from "../provision/provisioner";
import { type GoogleApiServer } from "./google-api-server";

/** What a provisioner printed, and how it ended. */
export interface Run {
  readonly output: string;
  readonly failure: string | undefined;
}

/**
 * Runs a provisioner here, with short delays.
 *
 * @param timeoutSeconds - of each call. @default what it asks for
 */
export async function run(
  provision: (session: Session) => Promise<void>,
  server: GoogleApiServer,
  env: NodeJS.ProcessEnv,
  timeoutSeconds?: number,
): Promise<Run> {
  let output = "";
  const all = { ...server.env, POLL_SECONDS: "0.01", ...env };
  const client = googleClient(all, {
    firstDelaySeconds: 0.01,
    fetchImplementation: fetch,
  });
  const impatient = {
    request: <T>(request: GoogleRequest) =>
      client.request<T>({ ...request, timeoutSeconds: timeoutSeconds! }),
  };
  const session: Session = {
    env: all,
    client: timeoutSeconds === undefined ? client : impatient,
    progress: new Progress((text) => (output += text), 0),
  };
  const failure = await provision(session).then(
    () => undefined,
    (error: Error) => error.message,
  );
  return { output, failure };
}

/** Runs a provisioner's file as Terraform does. */
export async function runProcess(
  script: string,
  server: GoogleApiServer,
  env: NodeJS.ProcessEnv,
): Promise<{ output: string; exitCode: number | null }> {
  const child = spawn(
    process.execPath,
    ["-r", "./swc-register.cjs", `provision/${script}`],
    {
      cwd: join(__dirname, ".."),
      env: {
        PATH: process.env["PATH"],
        ...server.env,
        POLL_SECONDS: "0.01",
        ...env,
      },
    },
  );
  let output = "";
  child.stdout.on("data", (chunk: Buffer) => (output += chunk.toString()));
  child.stderr.on("data", (chunk: Buffer) => (output += chunk.toString()));
  const exitCode = await new Promise<number | null>((done) =>
    child.on("close", done),
  );
  return { output, exitCode };
}
