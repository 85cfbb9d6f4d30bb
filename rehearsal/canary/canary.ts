import { statSync } from "node:fs";
import { relative, sep } from "node:path";
import { CommandError } from "../../commands/command-line";
import type { CloudServer } from "../cloud/server";
import { forms, type Marker } from "./marker";
import { ProcessWatch } from "./process-watch";
import { containsAny } from "./search-bytes";
import { fileContains, filesIn } from "./search-folder";

/** Searches markers in all that a rehearsal writes, sends, keeps and starts. */
export class Canary {
  private readonly found = new Set<string>();

  /** Files that were searched, as they were then. */
  private readonly searched = new Map<string, string>();
  private readonly processes: ProcessWatch;

  /**
   * @param folder - state, plans, logs, synthesized files, images, sources of builds, objects
   */
  constructor(
    private readonly markers: readonly Marker[],
    private readonly folder: string,
    private readonly server: CloudServer,
  ) {
    this.processes = new ProcessWatch(markers);
  }

  /** Searches what there is now: before something goes. */
  search(): void {
    const objects = this.objects();
    const inodes = new Set([...objects.keys()].map((path) => inode(path)));
    for (const path of filesIn(this.folder)) {
      const version = versionOf(path);
      // The live objects lie there a second time, under their names.
      const again = !objects.has(path) && inodes.has(inode(path));
      if (again || this.searched.get(path) === version) {
        continue;
      }
      this.searched.set(path, version);
      const place =
        objects.get(path) ?? relative(this.folder, path).split(sep).join("/");
      this.note(place, (all) => fileContains(path, all));
    }
    this.searchMemory();
  }

  /**
   * Ends the watch of processes.
   *
   * @returns a line that says what was searched
   * @throws CommandError with every place where a marker must not be, or where the search is blind
   */
  finish(): string {
    this.search();
    this.processes.end();
    const found = [...this.found, ...this.processes.found].map((each) => {
      const [name, place = ""] = each.split("\t");
      const marker = this.markers.find((one) => one.name === name)!;
      const permitted = marker.permitted.find((one) => one.place.test(place));
      return { marker, place, permitted };
    });
    const leaks = found
      .filter(({ permitted }) => permitted === undefined)
      .map(({ marker, place }) => `the marker of the ${marker.name}: ${place}`);
    const blind = this.markers.flatMap(({ name, permitted }) =>
      permitted
        .filter(
          (one) =>
            one.expected && !found.some((each) => each.permitted === one),
        )
        .map(
          ({ why }) =>
            `the search did not see the ${name} of ${why}: is it blind?`,
        ),
    );
    if (leaks.length + blind.length > 0) {
      throw new CommandError(
        ["The canary:", ...leaks.sort(), ...blind].join("\n  "),
      );
    }
    return (
      `canary: ${this.markers.map(({ name }) => name).join(" and ")} found nowhere but ` +
      `${[...new Set(found.map(({ permitted }) => permitted!.why))].join(", ")} ` +
      `(${this.searched.size} files, ${this.processes.seen.size} processes, ${this.server.requests.length} requests)`
    );
  }

  /** Names of objects by their files. */
  private objects(): Map<string, string> {
    const { objects, state } = this.server.cloud;
    return new Map(
      Object.values(state.objects)
        .flat()
        .flatMap((each): [string, string][] => {
          const name = `gs://${each.bucket}/${each.name}`;
          // A volume shows some as copies.
          const shown =
            each.timeDeleted === undefined &&
            objects.bucketFolder(each.bucket).path(each.name);
          return [
            [objects.file(each), name],
            ...(shown ? [[shown, name] as [string, string]] : []),
          ];
        }),
    );
  }

  /** What the cloud knows beyond files: resources, log entries, requests. */
  private searchMemory(): void {
    const { state } = this.server.cloud;
    for (const [kind, value] of Object.entries({
      ...state,
      requests: this.server.requests,
    })) {
      const bytes = Buffer.from(JSON.stringify(value));
      this.note(`cloud's ${kind}`, (all) => containsAny(bytes, all, 0));
    }
  }

  private note(
    place: string,
    contains: (forms: readonly Buffer[]) => boolean,
  ): void {
    for (const { name, text } of this.markers) {
      if (contains(forms(text))) this.found.add(`${name}\t${place}`);
    }
  }
}

function inode(path: string): number | undefined {
  return statSync(path, { throwIfNoEntry: false })?.ino;
}

function versionOf(path: string): string {
  const { mtimeMs, size } = statSync(path, { throwIfNoEntry: false }) ?? {};
  return `${mtimeMs} ${size}`;
}
