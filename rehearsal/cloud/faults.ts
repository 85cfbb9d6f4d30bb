import { setTimeout as sleep } from "node:timers/promises";
import { ApiError } from "./api-error";

/** What may go wrong with a call. */
export const FAULT_KINDS = {
  "429": "refused: too many requests",
  "503": "refused with Retry-After: 1",
  expired: "refused: the token has expired",
  reset: "the connection breaks before anything happens",
  lost: "it happens, and the answer gets lost",
  stall: "ten minutes pass first",
} as const;

export type FaultKind = keyof typeof FAULT_KINDS;

/** A fault that meets the next calls of a method. */
export interface Fault {
  /** Discovery's name of the method; a star stands for any letters: `run.*.jobs.run`. */
  readonly method: string;
  readonly kind: FaultKind;

  /** How many calls it meets. */
  readonly times: number;
}

/** The connection is to break without an answer. */
export class ConnectionLost extends Error {}

/**
 * `METHOD=KIND`, `METHOD=KIND*TIMES`.
 *
 * @returns undefined for anything else
 */
export function parseFault(text: string): Fault | undefined {
  const [, method, kind = "", times = "1"] =
    /^([\w.*]+)=([\w]+)(?:\*(\d{1,4}))?$/.exec(text) ?? [];
  return method !== undefined && kind in FAULT_KINDS
    ? { method, kind: kind as FaultKind, times: Number(times) }
    : undefined;
}

/** Faults that have not happened yet. */
export class Faults {
  private readonly left: { readonly fault: Fault; times: number }[];

  constructor(faults: readonly Fault[]) {
    this.left = faults.map((fault) => ({ fault, times: fault.times }));
  }

  add(fault: Fault): void {
    this.left.push({ fault, times: fault.times });
  }

  /**
   * Lets a call happen, or what goes wrong with it.
   *
   * @throws ApiError, ConnectionLost
   */
  async meet<T>(method: string, happen: () => T | Promise<T>): Promise<T> {
    const next = this.left.find(
      ({ fault, times }) => times > 0 && matches(fault.method, method),
    );
    if (next === undefined) {
      return happen();
    }
    next.times -= 1;
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
        throw new ConnectionLost();
      case "lost":
        await happen();
        throw new ConnectionLost();
      case "stall":
        await sleep(600_000, undefined, { ref: false });
        return happen();
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
