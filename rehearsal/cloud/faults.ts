import { setTimeout as sleep } from "node:timers/promises";
import { ApiError } from "./api-error";
import { shortName } from "./identifiers";
import type { Phase, PhaseFault, PhaseFaultKind } from "./phase-faults";

/** What may go wrong with a call. */
export const FAULT_KINDS = {
  "429": "refused: too many requests",
  "503": "refused with Retry-After: 1",
  expired: "refused: the token has expired",
  reset: "the connection is reset before anything happens",
  lost: "it happens, and the answer gets lost",
  stall:
    "ten minutes pass first; nothing happens if the caller has gone by then",
  full: "refused: there is no more room",
  endless: "it happens, and its operation is never done",
} as const;

export type FaultKind = keyof typeof FAULT_KINDS;

/** A fault that meets the next calls of a method. */
export interface Fault {
  /** Discovery's name of the method; a star stands for any letters: `run.*.jobs.run`. */
  readonly method: string;
  readonly kind: FaultKind;

  /** Of calls about what has this name, such as a bucket. @default all calls of the method */
  readonly about?: string;

  /** How many calls it meets; Infinity until somebody mends it. */
  readonly times: number;

  /** Of a stall. @default 600 */
  readonly seconds?: number;
}

const STALL_SECONDS = 600;

/** The connection is to break without an answer. */
export class ConnectionLost extends Error {
  /** @param reset - at once, with TCP's RST; otherwise it is closed */
  constructor(readonly reset = false) {
    super();
  }
}

/**
 * `METHOD=KIND`, `METHOD=KIND*TIMES`, `METHOD@NAME=KIND` for what is about one bucket, job, ...;
 * `stall-SECONDS` for another time than ten minutes.
 *
 * @returns undefined for anything else
 */
export function parseFault(text: string): Fault | undefined {
  const [, method, about, kind = "", seconds, times = "1"] =
    /^([\w.*]+)(?:@([\w.-]+))?=(\w+)(?:-(\d{1,4}))?(?:\*(\d{1,4}))?$/.exec(
      text,
    ) ?? [];
  if (
    method === undefined ||
    !(kind in FAULT_KINDS) ||
    (seconds !== undefined && kind !== "stall")
  ) {
    return undefined;
  }
  return {
    method,
    kind: kind as FaultKind,
    times: Number(times),
    ...(about === undefined ? {} : { about }),
    ...(seconds === undefined ? {} : { seconds: Number(seconds) }),
  };
}

/** What a call leaves to its fault. */
export interface MetCall {
  /** Names of what it is about, the full ones. */
  readonly about?: readonly string[];

  /** Whether the caller has gone. */
  readonly gone?: () => boolean;

  /** Keeps an operation from being done; returns it as it then is. */
  readonly hold?: (operation: string) => unknown;
}

/** What is left of a fault. */
interface Left<T> {
  readonly fault: T;
  times: number;
  met: boolean;
}

/** Faults that have not happened yet. */
export class Faults {
  private readonly left: Left<Fault>[] = [];
  private readonly phases: Left<PhaseFault>[] = [];

  constructor(faults: readonly (Fault | PhaseFault)[]) {
    for (const fault of faults) this.add(fault);
  }

  add(fault: Fault | PhaseFault): void {
    const { times } = fault;
    if ("phase" in fault) this.phases.push({ fault, times, met: false });
    else this.left.push({ fault, times, met: false });
  }

  /** Those that have not met all they were to meet. */
  get waiting(): readonly (Fault | PhaseFault)[] {
    return [...this.left, ...this.phases].flatMap(({ fault, times, met }) =>
      times > 0 && !(met && times === Infinity) ? [fault] : [],
    );
  }

  /** From now on nothing goes wrong. */
  clear(): void {
    this.left.length = 0;
    this.phases.length = 0;
  }

  /** What goes wrong with a start of a phase; it has gone wrong then. */
  take(phase: Phase): PhaseFaultKind | undefined {
    const next = this.phases.find(
      ({ fault, times }) => times > 0 && fault.phase === phase,
    );
    if (next === undefined) return undefined;
    next.times -= 1;
    next.met = true;
    return next.fault.kind;
  }

  /**
   * Lets a call happen, or what goes wrong with it.
   *
   * @throws ApiError, ConnectionLost
   */
  async meet<T>(
    method: string,
    happen: () => T | Promise<T>,
    { about = [], gone, hold }: MetCall = {},
  ): Promise<T> {
    const next = this.left.find(
      ({ fault, times }) =>
        times > 0 &&
        matches(fault.method, method) &&
        (fault.about === undefined ||
          about.map(shortName).includes(fault.about)),
    );
    if (next === undefined) {
      return happen();
    }
    next.times -= 1;
    next.met = true;
    switch (next.fault.kind) {
      case "429":
        throw new ApiError(429, `Quota exceeded for ${method} (injected).`);
      case "503":
        throw new ApiError(503, "The service is currently unavailable.", {
          headers: { "retry-after": "1" },
        });
      case "expired":
        throw new ApiError(
          401,
          "Request had invalid authentication credentials.",
        );
      case "reset":
        throw new ConnectionLost(true);
      case "lost":
        await happen();
        throw new ConnectionLost();
      case "stall":
        await sleep((next.fault.seconds ?? STALL_SECONDS) * 1000, undefined, {
          ref: false,
        });
        if (gone?.()) throw new ConnectionLost();
        return happen();
      case "full":
        // No bucket is ever full; a limit in front of it may be.
        throw new ApiError(
          403,
          "The storage quota has been exceeded: no more bytes can be stored.",
          { reason: "quotaExceeded" },
        );
      case "endless": {
        const answer = (await happen()) as { readonly name?: string };
        return (hold?.(answer.name ?? "") ?? answer) as T;
      }
    }
  }
}

function matches(pattern: string, method: string): boolean {
  const text = pattern
    .split("*")
    .map((part) => part.replace(/\./g, "\\."))
    .join(".*");
  return new RegExp(`^${text}$`).test(method);
}
