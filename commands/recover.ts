import { googleClient } from "../provision/google-client";
import {
  type Command,
  CommandError,
  readCommandLine,
  runAsProcess,
} from "./command-line";
import { approved } from "./destroy-texts";
import { pruneImports, writeImports } from "./import-file";
import { openStack } from "./open-stack";
import { backendOf } from "./recover/backend";
import { findExisting } from "./recover/existing-resources";
import { livingTerraform } from "./recover/living-terraform";
import { report } from "./recover/report";
import {
  deleteLock,
  isOfThisMachine,
  readLock,
  removeLock,
  type StateLock,
} from "./recover/state-lock";
import { destroyVersion, leftTokenVersions } from "./recover/token-versions";
import type { Surroundings } from "./surroundings";
import { captureTerraform, resourcesOf } from "./terraform";
import { saveState, unsavedState } from "./unsaved-state";
import { ENVIRONMENT } from "./settings-options";

const OPTIONS = {
  environment: ENVIRONMENT,
  yes: { type: "boolean", text: "do not ask; needed without a terminal" },
  lock: {
    type: "string",
    value: "ID",
    text: "with --yes: the lock that another machine made and that may be removed",
  },
} as const;

const COMMAND: Command<typeof OPTIONS> = {
  name: "recover",
  summary:
    "After a deploy that was killed: removes the lock that it left on the state, saves the state if Terraform could\n" +
    "not, and has the next deploy import what it made and could not write down. Shows all of it and asks first. After\n" +
    "Ctrl-C it is not needed.",
  options: OPTIONS,
};

/**
 * `npm run recover`: 0 when the deploy can go on, 1 when something still runs or
 * it was not approved, 2 for a wrong command line.
 */
export async function recover(
  argv: readonly string[],
  {
    env = process.env,
    root = process.cwd(),
    google = googleClient(env),
  }: Partial<Surroundings> = {},
): Promise<number> {
  const line = readCommandLine(argv, COMMAND);
  if (!line) {
    return 0;
  }
  const { environment, yes = false, lock: lockId } = line.values;
  const { stack, json } = openStack(root, env, environment);
  const backend = backendOf(stack, json);
  const running = livingTerraform(stack, backend, env);
  if (running.length > 0) {
    throw new CommandError(
      `Terraform still works on environment ${stack.name} (process ${running.join(", ")}): there is nothing to recover yet. Wait for its end, or have it end in good order: kill -INT ${running.join(" ")}`,
    );
  }
  // Some may be left, and init reads them.
  pruneImports(stack, json, []);
  let lock = await readLock(backend, google);
  const init = () =>
    captureTerraform(
      stack.directory,
      ["init", "-input=false", "-no-color"],
      env,
    );
  let named = lockId;
  try {
    init();
  } catch (error) {
    // Terraform makes an empty state under a lock: killed right there, not even force-unlock gets past it.
    if (
      !lock ||
      backend.kind !== "gcs" ||
      !/default\.tflock/.test(String(error))
    ) {
      throw error;
    }
    console.log(report(lock, NOTHING, []));
    if (!(await mayGoOn(lock, yes, named))) return notConfirmed();
    await deleteLock(backend, lock, google);
    console.log("The lock is removed.");
    [lock, named] = [undefined, undefined];
    init();
  }
  const saved = captureTerraform(stack.directory, ["state", "pull"], env);
  const unsaved = unsavedState(stack, saved);
  const state =
    unsaved && !unsaved.outdated ? unsaved.resources : resourcesOf(saved);
  if (state.length === 0) {
    console.log(`The state of environment ${stack.name} is empty.`);
  }
  const existing = await findExisting(json, state, google);
  const { imports } = existing;
  const ours = new Set([
    ...state.map(({ address }) => address),
    ...imports.map(({ to }) => to),
  ]);
  const versions = await leftTokenVersions(json, state, ours, google);
  const text = report(lock, existing, versions, unsaved);
  if (text !== "") {
    console.log(text);
  }
  if (!lock && !unsaved && imports.length === 0 && versions.length === 0) {
    writeImports(stack, []);
    console.log("There is nothing to recover. Go on with npm run deploy.");
    return 0;
  }
  if (!(await mayGoOn(lock, yes, named))) return notConfirmed();
  if (lock) {
    removeLock(backend, lock, stack, env);
    console.log("The lock is removed.");
  }
  if (unsaved) {
    saveState(unsaved, stack, env);
    if (!unsaved.outdated) console.log("The state is saved.");
  }
  for (const version of versions) {
    await destroyVersion(version, google);
  }
  writeImports(stack, imports);
  console.log("Done. Go on with npm run deploy.");
  return 0;
}

/** Of resources. */
const NOTHING = { imports: [], foreign: [], unknown: [] };

function notConfirmed(): number {
  console.log("Not confirmed: nothing is changed.");
  return 1;
}

/** @throws CommandError where there is nobody to ask, or a lock needs more than `--yes` */
async function mayGoOn(
  lock: StateLock | undefined,
  yes: boolean,
  named: string | undefined,
): Promise<boolean> {
  if (named !== undefined && named !== lock?.id) {
    throw new CommandError(
      `--lock names ${named}, but ${lock ? `the lock is ${lock.id}` : "there is no lock"}. Nothing was changed.`,
      2,
    );
  }
  if (yes && lock && !isOfThisMachine(lock) && named === undefined) {
    throw new CommandError(
      `The lock is of another machine (${lock.who}). Make sure that nothing runs there, and name it: npm run recover -- --yes --lock ${lock.id}`,
    );
  }
  if (!yes && process.stdin.isTTY !== true) {
    throw new CommandError(
      "There is no terminal to ask on: approve beforehand with npm run recover -- --yes.",
      2,
    );
  }
  return yes || approved("yes");
}

if (require.main === module) {
  void runAsProcess(recover);
}
