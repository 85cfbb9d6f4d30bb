import type { Cloud } from "../cloud";
import type { Json } from "../state";
import { condition } from "./condition";
import { RevisionInstance } from "./revision-instance";
import { ServiceFront } from "./service-front";

/** Of a target that follows the newest revision. */
export const LATEST = "TRAFFIC_TARGET_ALLOCATION_TYPE_LATEST";

/** The addresses of all services, and the instances behind them. */
export class ServiceFronts {
  /** By service, or service and tag. */
  private readonly fronts = new Map<string, ServiceFront>();
  private readonly instances = new Map<string, RevisionInstance>();

  constructor(private readonly cloud: Cloud) {}

  /** @returns the address of a service, the same for all its life */
  async open(service: string, tag = ""): Promise<string> {
    const key = frontKey(service, tag);
    let front = this.fronts.get(key);
    if (front === undefined) {
      front = await ServiceFront.start(this.cloud, service);
      this.fronts.set(key, front);
    }
    return front.uri;
  }

  /** @throws the reason why a new revision does not answer */
  async startRevision(revision: string): Promise<void> {
    const known = this.cloud.state.revisions[revision]!;
    try {
      await this.instance(revision).ready();
      known["conditions"] = [
        condition("Ready", "SUCCEEDED"),
        condition("ContainerHealthy", "SUCCEEDED"),
      ];
    } catch (error) {
      const { message } = error as Error;
      known["conditions"] = [condition("Ready", "FAILED", { message })];
      throw error;
    }
  }

  /**
   * Directs a service's requests as its `traffic` says.
   *
   * @returns its `trafficStatuses`
   */
  async route(service: Json, latest: string): Promise<Json[]> {
    const targets = (service["traffic"] as Json[]).map((target) => ({
      target,
      instance: this.instance(
        target["type"] === LATEST || !target["revision"]
          ? latest
          : `${service["name"]}/revisions/${target["revision"]}`,
      ),
    }));
    const main = this.fronts.get(service["name"])!;
    main.targets = targets.map(({ target, instance }) => ({
      percent: target["percent"] ?? 0,
      instance,
    }));
    const keys = targets.map(({ target }) =>
      frontKey(service["name"], target["tag"]),
    );
    // The address of a tag goes with it.
    await this.closeFronts(
      (key, front) =>
        front.service === service["name"] &&
        front !== main &&
        !keys.includes(key),
    );
    return Promise.all(
      targets.map(async ({ target, instance }) => {
        if (!target["tag"]) return target;
        const uri = await this.open(service["name"], target["tag"]);
        const front = this.fronts.get(
          frontKey(service["name"], target["tag"]),
        )!;
        front.targets = [{ percent: 100, instance }];
        return { ...target, uri };
      }),
    );
  }

  /** Ends the instance of a revision that gets no requests any more. */
  async retire(service: Json, revision: string): Promise<void> {
    const instance = this.instances.get(revision);
    const inUse = [...this.fronts.values()].some(
      (front) =>
        front.service === service["name"] &&
        front.targets.some((target) => target.instance === instance),
    );
    if (!inUse) await instance?.stop();
  }

  /** Closes a service's addresses and ends its instances. */
  async remove(service: string): Promise<void> {
    await this.closeFronts((_key, front) => front.service === service);
    for (const [revision, instance] of this.instances) {
      if (revision.startsWith(`${service}/`)) {
        this.instances.delete(revision);
        await instance.stop();
      }
    }
  }

  async close(): Promise<void> {
    const services = new Set(
      [...this.fronts.values()].map((front) => front.service),
    );
    await Promise.all([...services].map((service) => this.remove(service)));
  }

  private async closeFronts(
    which: (key: string, front: ServiceFront) => boolean,
  ): Promise<void> {
    for (const [key, front] of this.fronts) {
      if (which(key, front)) {
        this.fronts.delete(key);
        await front.close();
      }
    }
  }

  private instance(revision: string): RevisionInstance {
    const known =
      this.instances.get(revision) ??
      new RevisionInstance(this.cloud, revision);
    this.instances.set(revision, known);
    return known;
  }
}

function frontKey(service: string, tag = ""): string {
  return tag === "" ? service : `${service}#${tag}`;
}
