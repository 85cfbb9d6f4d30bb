/** What a fault may meet beside calls: where something starts that takes a while. */
export const PHASES = ["build", "training", "serving"] as const;

export type Phase = (typeof PHASES)[number];

/** How a phase may go wrong; `exit-N` beside them. */
export const PHASE_FAULT_KINDS = {
  memory: "ended for its memory limit",
  timeout: "ended for its time limit",
  endless: "never ends by itself",
  quota: "refused: no quota",
  capacity: "refused: no capacity",
} as const;

export type PhaseFaultKind = keyof typeof PHASE_FAULT_KINDS | `exit-${number}`;

/** A fault that meets the next starts of a phase. */
export interface PhaseFault {
  readonly phase: Phase;
  readonly kind: PhaseFaultKind;

  /** How many starts it meets; an attempt that is repeated is a start. */
  readonly times: number;
}

/**
 * `PHASE=KIND`, `PHASE=KIND*TIMES`.
 *
 * @returns undefined for anything else
 */
export function parsePhaseFault(text: string): PhaseFault | undefined {
  const [, phase = "", kind = "", times = "1"] =
    /^(\w+)=([\w-]+)(?:\*(\d{1,4}))?$/.exec(text) ?? [];
  const code = Number(/^exit-(\d{1,3})$/.exec(kind)?.[1] ?? 0);
  return PHASES.some((each) => each === phase) &&
    (kind in PHASE_FAULT_KINDS || (code > 0 && code < 256))
    ? {
        phase: phase as Phase,
        kind: kind as PhaseFaultKind,
        times: Number(times),
      }
    : undefined;
}

/** Of `exit-N`. */
export function exitCode(kind: PhaseFaultKind): number | undefined {
  const code = /^exit-(\d+)$/.exec(kind)?.[1];
  return code === undefined ? undefined : Number(code);
}
