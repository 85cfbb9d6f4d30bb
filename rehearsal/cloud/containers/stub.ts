import { writeFileSync } from "node:fs";
import { createServer } from "node:http";
import { constants } from "node:os";
import { setTimeout as sleep } from "node:timers/promises";
import type { Cloud } from "../cloud";
import { requireStorage } from "../storage/bucket-access";
import type { Json } from "../state";
import type { Ending, Workload, WorkloadProps } from "./workload";

const NOTE =
  "STUB: this local cloud runs no containers (--containers stub); nothing was trained or loaded";

/**
 * In place of a container: a job's stub puts marked files where a trainer would publish, as far as its
 * account may; a service's stub answers every request with the note.
 */
export async function startStub(
  cloud: Cloud,
  props: WorkloadProps,
): Promise<Workload> {
  cloud.logs.line(props.log, NOTE, "WARNING");
  return props.port === undefined ? job(cloud, props) : service(props.port);
}

async function job(cloud: Cloud, props: WorkloadProps): Promise<Workload> {
  const env: Json[] = props.template["containers"][0]["env"] ?? [];
  const value = (asked: string) =>
    env.find(({ name }) => name === asked)?.["value"] as string | undefined;
  const target = value("OUTPUT_URI");
  const member = `serviceAccount:${props.template["serviceAccount"]}`;
  const stopped = new AbortController();
  const work = async (): Promise<Ending> => {
    try {
      await sleep(cloud.settings.stubSeconds * 1000, undefined, {
        signal: stopped.signal,
      });
    } catch {
      return { exitCode: 128 + constants.signals.SIGTERM };
    }
    try {
      if (target !== undefined) {
        await publish(cloud, member, target, value("RUN_ID") ?? "");
      }
    } catch (error) {
      cloud.logs.line(props.log, (error as Error).message, "ERROR");
      return { exitCode: 1 };
    }
    return { exitCode: 0 };
  };
  return { ended: work(), stop: async () => stopped.abort() };
}

async function publish(
  cloud: Cloud,
  member: string,
  target: string,
  runId: string,
): Promise<void> {
  const [, bucket = "", prefix = ""] =
    /^gs:\/\/([^/]+)\/(.+)$/.exec(target) ?? [];
  const manifest = JSON.stringify({ format: 1, run_id: runId, stub: NOTE });
  for (const [name, text] of [
    ["manifest.json", manifest],
    ["_SUCCESS", ""],
  ] as const) {
    const object = `${prefix}/${name}`;
    requireStorage(
      cloud,
      { principal: member },
      "storage.objects.create",
      bucket,
      object,
    );
    const put = async () => {
      const file = cloud.objects.temporaryFile();
      writeFileSync(file, text);
      await cloud.objects.put({ bucket, name: object, file, fields: {} });
    };
    await cloud.faults.meet("storage.objects.insert", put, { about: [bucket] });
  }
}

async function service(port: number): Promise<Workload> {
  const server = createServer((_request, response) => {
    response.writeHead(200, { "content-type": "application/json" });
    response.end(JSON.stringify({ stub: NOTE }));
  });
  await new Promise<void>((ready) => server.listen(port, "127.0.0.1", ready));
  let over: (ending: Ending) => void = () => undefined;
  const ended = new Promise<Ending>((resolve) => {
    over = resolve;
  });
  return {
    ended,
    stop: async () => {
      server.closeAllConnections();
      await new Promise((closed) => server.close(closed));
      over({ exitCode: 128 + constants.signals.SIGTERM });
    },
  };
}
