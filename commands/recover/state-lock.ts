import { readFileSync, rmSync } from "node:fs";
import { hostname } from "node:os";
import { GoogleApiError } from "../../provision/google-api-error";
import type { GoogleClient } from "../../provision/google-client";
import type { Stack } from "../synthesis";
import { captureTerraform } from "../terraform";
import type { Backend } from "./backend";

/** A lock on the state. */
export interface StateLock {
  /** What `terraform force-unlock` takes. */
  readonly id: string;

  /** What Terraform was doing, such as `OperationTypeApply`. */
  readonly operation: string;

  /** `user@host`. */
  readonly who: string;
  readonly created: string;
}

/** @returns undefined where there is none */
export async function readLock(
  backend: Backend,
  google: GoogleClient,
): Promise<StateLock | undefined> {
  if (backend.kind === "local") {
    try {
      const note = JSON.parse(readFileSync(backend.lockFile, "utf8")) as Note;
      return lock(note, String(note.ID));
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code === "ENOENT") return undefined;
      // Killed while it wrote the note: a note all the same.
      if (error instanceof SyntaxError) return lock({}, "unknown");
      throw error;
    }
  }
  const path = `b/${backend.bucket}/o/${encodeURIComponent(backend.lockObject)}`;
  const retry = { deadlineSeconds: 20 };
  try {
    // The backend's id of a lock is the object's generation, not the note's own.
    const { generation } = await google.request<{ generation: string }>({
      service: "storage",
      path,
      retry,
    });
    const note = await google.request<Note>({
      service: "storage",
      path,
      query: { alt: "media", generation },
      retry,
    });
    return lock(note, generation);
  } catch (error) {
    if (error instanceof GoogleApiError && error.status === 404) {
      return undefined;
    }
    throw error;
  }
}

/**
 * Removes a lock. The local one holds nothing once its process is gone: the
 * system then lifts the lock itself, and only the note stays.
 */
export function removeLock(
  backend: Backend,
  { id }: StateLock,
  stack: Stack,
  env: NodeJS.ProcessEnv,
): void {
  if (backend.kind === "local") {
    rmSync(backend.lockFile, { force: true });
    return;
  }
  captureTerraform(stack.directory, ["force-unlock", "-force", id], env);
}

/** Removes a lock without Terraform, and no other one that was made meanwhile. */
export async function deleteLock(
  { bucket, lockObject }: Extract<Backend, { kind: "gcs" }>,
  { id }: StateLock,
  google: GoogleClient,
): Promise<void> {
  await google.request({
    service: "storage",
    path: `b/${bucket}/o/${encodeURIComponent(lockObject)}`,
    method: "DELETE",
    query: { ifGenerationMatch: id },
    retry: { deadlineSeconds: 60 },
  });
}

/** Whether somebody on this machine made it. */
export function isOfThisMachine({ who }: StateLock): boolean {
  return who.slice(who.lastIndexOf("@") + 1) === hostname();
}

/** Terraform's note about a lock. */
interface Note {
  readonly ID?: string;
  readonly Operation?: string;
  readonly Who?: string;
  readonly Created?: string;
}

function lock({ Operation, Who, Created }: Note, id: string): StateLock {
  return {
    id,
    operation: Operation ?? "unknown",
    who: Who ?? "unknown",
    created: Created ?? "unknown",
  };
}
