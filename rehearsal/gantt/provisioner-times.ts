import type { ApplyStep, Provision } from "./apply-steps";

/** Where a provisioner's time went, in ms; together the time that Terraform waited for it. */
export interface ProvisionerTime {
  /** Of `own`, until its first question: Node's start, loading modules, reading its inputs. */
  readonly startUp: number;

  /** It computed: all that the stack adds by running programs of its own. */
  readonly own: number;

  /** Processor time of `own`: on a busy machine the rest was waiting for a processor. */
  readonly cpu: number;

  /** Idle while an API had not answered yet. */
  readonly asking: number;

  /** Idle between questions: what it asks about was not done, or not known to be. */
  readonly pausing: number;
}

/** A line of provisioner-clock.cjs. */
interface Clock {
  readonly script: string;
  readonly began: number;
  readonly ended: number;
  readonly firstQuestion: number | null;
  readonly asking: number;
  readonly idle: number;
  readonly cpu: number;
}

/** @returns for each step whose provisioner left a clock, where its time went */
export function provisionerTimes(
  steps: readonly ApplyStep[],
  clocks: string,
): (ProvisionerTime | undefined)[] {
  const left = clocks
    .split("\n")
    .filter(Boolean)
    .map((line) => JSON.parse(line) as Clock);
  return steps.map(({ provisioner }) => {
    const clock = provisioner && nearest(left, provisioner);
    if (provisioner === undefined || clock === undefined) {
      return undefined;
    }
    left.splice(left.indexOf(clock), 1);
    const whole = provisioner.ended - provisioner.began;
    const idle = Math.min(clock.idle, whole);
    const asking = Math.min(clock.asking, idle);
    const own = whole - idle;
    const first = (clock.firstQuestion ?? clock.ended) - provisioner.began;
    return {
      startUp: Math.min(Math.max(first, 0), own),
      own,
      // Several threads load modules.
      cpu: Math.min(clock.cpu, own),
      asking,
      pausing: idle - asking,
    };
  });
}

/** Of the same script's clocks, the one whose beginning and end fit best: builds run side by side. */
function nearest(
  clocks: readonly Clock[],
  { script, began, ended }: Provision,
): Clock | undefined {
  const distance = (clock: Clock) =>
    Math.abs(clock.began - began) + Math.abs(clock.ended - ended);
  return clocks
    .filter((clock) => clock.script.endsWith(script))
    .sort((one, other) => distance(one) - distance(other))[0];
}
