/** Something with an end: a step's process. */
export interface Running {
  readonly name: string;
  readonly ended: Promise<number>;

  /** Asks it to end, and to end what it has started. */
  stop(): void;
  takeOutput(): string;
}

/** What `sideBySide` is given. */
export interface SideBySideProps<Step> {
  readonly steps: readonly Step[];

  /** How many run at a time. */
  readonly lanes: number;
  readonly start: (step: Step) => Running;

  /** Told of a beginning, and of an end with everything that was printed. */
  readonly say: (text: string) => void;
}

/** The step that failed first. */
export interface Failure {
  readonly name: string;
  readonly code: number;
  readonly seconds: number;
}

/**
 * Runs steps, each as soon as a lane is free, and stops everything at the first
 * that fails.
 *
 * @returns the failure, if there was one
 */
export async function sideBySide<Step>(
  props: SideBySideProps<Step>,
): Promise<Failure | undefined> {
  const { lanes, start, say } = props;
  const waiting = [...props.steps];
  const running = new Set<Running>();
  let failure: Failure | undefined;
  const stopAll = () => {
    for (const one of running) one.stop();
  };

  const lane = async () => {
    for (
      let step = waiting.shift();
      step !== undefined && failure === undefined;
      step = waiting.shift()
    ) {
      const began = Date.now();
      const one = start(step);
      running.add(one);
      say(`== ${one.name} ...`);
      const code = await one.ended;
      running.delete(one);
      const output = one.takeOutput();
      const seconds = (Date.now() - began) / 1000;
      if (failure !== undefined) {
        return; // It was stopped for another's sake: nobody wants to read it.
      }
      if (output !== "") say(`\n${output}`);
      if (code !== 0) {
        failure = { name: one.name, code, seconds };
        stopAll();
      } else {
        say(`== ${one.name}: passed in ${seconds.toFixed(1)} s`);
      }
    }
  };

  process.on("SIGTERM", stopAll);
  process.on("SIGHUP", stopAll);
  try {
    await Promise.all(Array.from({ length: lanes }, lane));
  } finally {
    process.off("SIGTERM", stopAll);
    process.off("SIGHUP", stopAll);
    stopAll();
  }
  return failure;
}
