import { type CloudState, emptyState } from "./state";

/** The cloud's memory. Snapshots of it are taken and put back by name. */
export class Store {
  state: CloudState = emptyState();
  private readonly snapshots = new Map<string, string>();

  /** Keeps a copy; one of the same name is replaced. */
  snapshot(name: string): void {
    this.snapshots.set(name, JSON.stringify(this.state));
  }

  /** @throws if there is no such snapshot */
  restore(name: string): void {
    const snapshot = this.snapshots.get(name);
    if (snapshot === undefined) {
      throw new Error(
        `There is no snapshot '${name}'; there is: ${[...this.snapshots.keys()].join(", ") || "none"}.`,
      );
    }
    this.state = JSON.parse(snapshot);
  }

  /** Whether bytes that the present state has dropped may still be needed. */
  get hasSnapshots(): boolean {
    return this.snapshots.size > 0;
  }
}
