import { freePort } from "../../rehearsal-settings";
import type { Cloud } from "../cloud";
import type { Workload } from "../containers/workload";
import { shortName } from "../identifiers";
import type { LogSource } from "../logs";
import type { Json } from "../state";
import { Places } from "./places";
import { started, watchLiveness } from "./probes";
import { readSecrets } from "./secrets";
import { checkMounts, pullImage } from "./start-checks";

const NOT_ALIVE =
  "The user-provided container failed the configured liveness probe checks and is shut down.";

/** A request waits as long for a place. @see https://cloud.google.com/run/docs/about-instance-autoscaling */
const LEAST_WAIT_SECONDS = 10;
const STARTS = 3.5;

/**
 * The one instance that a revision has, or has not: none while nobody asks. It takes as many requests at
 * once as all that the revision may have.
 */
export class RevisionInstance {
  private starting: Promise<number> | undefined;
  private workload: Workload | undefined;
  private requests = 0;
  private startSeconds = 0;
  private readonly places: Places;
  private idleTimer: NodeJS.Timeout | undefined;

  constructor(
    private readonly cloud: Cloud,
    private readonly revision: string,
  ) {
    const template = cloud.state.revisions[revision];
    this.places = new Places(
      (template?.["maxInstanceRequestConcurrency"] ?? 80) *
        (template?.["scaling"]?.maxInstanceCount ?? 100),
    );
  }

  /**
   * Its port, once the startup probe has passed; starts it if need be.
   *
   * @throws why it does not start
   */
  ready(): Promise<number> {
    this.starting ??= this.start().catch((error: unknown) => {
      this.starting = undefined;
      throw error;
    });
    return this.starting;
  }

  /**
   * Keeps the instance while a request is under way.
   *
   * @throws StartFailure when there was no place for it
   */
  async during<T>(work: (port: number) => Promise<T>): Promise<T> {
    this.requests += 1;
    clearTimeout(this.idleTimer);
    try {
      await this.places.take(
        Math.max(LEAST_WAIT_SECONDS, STARTS * this.startSeconds),
      );
      try {
        return await work(await this.ready());
      } finally {
        this.places.free();
      }
    } finally {
      this.requests -= 1;
      this.waitIdle();
    }
  }

  async stop(): Promise<void> {
    clearTimeout(this.idleTimer);
    this.starting = undefined;
    await this.workload?.stop();
    this.workload = undefined;
  }

  private async start(): Promise<number> {
    const { cloud, revision } = this;
    const template = cloud.state.revisions[revision]!;
    const service = template["service"];
    const container: Json = template["containers"][0];
    const image = pullImage(cloud, container["image"]);
    const secrets = readSecrets(cloud, template);
    checkMounts(cloud, template);
    const log: LogSource = {
      type: "cloud_run_revision",
      resourceLabels: {
        service_name: service,
        revision_name: shortName(revision),
        location: cloud.settings.region,
      },
    };
    const port = await freePort();
    const began = Date.now();
    const workload = await cloud.containers.start({
      name: revision,
      image,
      template,
      secrets,
      log,
      port,
      environment: {
        K_SERVICE: service,
        K_REVISION: shortName(revision),
        K_CONFIGURATION: service,
      },
    });
    this.workload = workload;
    const over = new AbortController();
    try {
      await Promise.race([
        started(container, port, over.signal),
        workload.ended.then(({ exitCode }) => {
          throw new Error(
            `The user-provided container exited with code ${exitCode} before it listened on the port defined by PORT=${container["ports"][0].containerPort}. Logs for this revision might contain more information.`,
          );
        }),
      ]);
    } catch (error) {
      await workload.stop();
      throw error;
    } finally {
      over.abort();
    }
    this.startSeconds = (Date.now() - began) / 1000;
    const watch = watchLiveness(container, port, () => {
      cloud.logs.line(log, NOT_ALIVE, "ERROR");
      void workload.stop();
    });
    void workload.ended.then(() => {
      watch.abort();
      // It died: the next request starts another.
      if (this.workload === workload) this.starting = undefined;
    });
    this.waitIdle();
    return port;
  }

  private waitIdle(): void {
    clearTimeout(this.idleTimer);
    const scaling = this.cloud.state.revisions[this.revision]?.["scaling"];
    if (this.requests > 0 || scaling?.minInstanceCount > 0) return;
    this.idleTimer = setTimeout(
      () => void this.stop(),
      this.cloud.settings.idle * 1000,
    );
    this.idleTimer.unref();
  }
}
