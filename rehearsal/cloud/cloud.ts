import { mkdirSync } from "node:fs";
import { join } from "node:path";
import type { CloudSettings } from "./cloud-settings";
import { Containers } from "./containers/containers";
import { Faults } from "./faults";
import { Access } from "./iam/access";
import { Tokens } from "./iam/tokens";
import { Logs } from "./logs";
import { Operations } from "./operations";
import { ServiceFronts } from "./run/service-fronts";
import { serviceAgent } from "./run/start-checks";
import { SERVICES } from "./services";
import { emptyState } from "./state";
import { ObjectStore } from "./storage/object-store";

/** One project of a local Google Cloud: its memory and what works on it. */
export class Cloud {
  readonly state = emptyState();
  readonly access: Access;
  readonly tokens: Tokens;
  readonly operations: Operations;
  readonly logs: Logs;
  readonly objects: ObjectStore;
  readonly containers: Containers;
  readonly fronts: ServiceFronts;
  readonly faults: Faults;

  /** Where the APIs are, such as `http://127.0.0.1:8900`; set once the server listens. */
  origin = "";

  constructor(readonly settings: CloudSettings) {
    mkdirSync(settings.folder, { recursive: true });
    this.access = new Access(this.state, settings);
    this.tokens = new Tokens(this.state);
    this.operations = new Operations(this.state, settings);
    this.logs = new Logs(this.state, settings);
    this.objects = new ObjectStore(
      this.state,
      join(settings.folder, "buckets"),
    );
    this.containers = new Containers(this);
    this.fronts = new ServiceFronts(this);
    this.faults = new Faults(settings.faults);
    const members = [`user:${settings.user}`];
    this.access.create(this.project, [
      { role: "roles/owner", members },
      {
        role: "roles/run.serviceAgent",
        members: [`serviceAccount:${serviceAgent(settings)}`],
      },
    ]);
    this.access.create(`billingAccounts/${settings.billingAccount}`, [
      { role: "roles/billing.admin", members },
    ]);
    for (const { name, alwaysOn } of SERVICES) {
      if (alwaysOn) this.state.apis[`${name}.googleapis.com`] = 0;
    }
  }

  /** `projects/ID`. */
  get project(): string {
    return `projects/${this.settings.project}`;
  }

  /** Ends everything that was started. */
  async close(): Promise<void> {
    await Promise.all([this.fronts.close(), this.containers.close()]);
  }
}
