import { Presets, SingleBar } from "cli-progress";
import type { LocalProcess } from "./local-process";

const LINE_EVERY_MS = 15_000;

/** How far a step is: a share from 0 to 1 and a word on it. */
export interface State {
  readonly share: number;
  readonly text: string;
}

/**
 * Shows a step until its work is done: a bar on a terminal, otherwise a line every 15 s at most.
 *
 * @param title - up to 24 characters
 * @param state - looked at twice a second
 */
export async function withProgress<T>(
  title: string,
  state: (seconds: number) => State,
  work: Promise<T>,
): Promise<T> {
  const began = Date.now();
  const seconds = () => (Date.now() - began) / 1000;
  const shown = process.stderr.isTTY ? bar(title) : lines(title);
  const timer = setInterval(() => shown.update(state(seconds())), 500);
  try {
    const result = await work;
    shown.end(`done in ${seconds().toFixed(0)} s`);
    return result;
  } catch (error) {
    shown.end(undefined);
    throw error;
  } finally {
    clearInterval(timer);
  }
}

/** Waits for a process that works and ends; shows how far it is by what it prints. */
export async function finish(
  title: string,
  work: LocalProcess,
  state: (output: string, seconds: number) => State,
): Promise<void> {
  const code = await withProgress(
    title,
    (seconds) => state(work.output, seconds),
    work.ended,
  );
  if (code !== 0) {
    throw work.failure(code);
  }
}

/** For a step that cannot say how far it is: the share of the time that it took when measured. */
export function expected(seconds: number): (elapsed: number) => State {
  return (elapsed) => ({
    // Never full before it is done: slower machines wait at 95 %.
    share: Math.min(elapsed / seconds, 0.95),
    text: `${elapsed.toFixed(0)} s of about ${seconds} s`,
  });
}

/** A line between the steps. */
export function say(text: string): void {
  console.error(`  ${text}`);
}

interface Shown {
  update(state: State): void;
  end(text: string | undefined): void;
}

function bar(title: string): Shown {
  const single = new SingleBar(
    {
      format: `  ${title.padEnd(24)} {bar} {percentage} % {text}`,
      barsize: 20,
      stopOnComplete: false,
      hideCursor: true,
      // A terminal of 80 columns has room for this and no more.
      formatValue: (value, _options, type) =>
        type === "percentage" ? String(value).padStart(3) : String(value),
    },
    Presets.shades_classic,
  );
  single.start(100, 0, { text: "" });
  return {
    update: ({ share, text }) =>
      single.update(Math.round(100 * share), { text: text.slice(0, 30) }),
    end: (text) => {
      if (text !== undefined) {
        single.update(100, { text });
      }
      single.stop();
    },
  };
}

function lines(title: string): Shown {
  let last = Date.now();
  console.error(`  ${title} ...`);
  return {
    update: ({ text }) => {
      if (Date.now() - last >= LINE_EVERY_MS) {
        last = Date.now();
        console.error(`  ${title}: ${text}`);
      }
    },
    end: (text) => {
      if (text !== undefined) {
        console.error(`  ${title}: ${text}`);
      }
    },
  };
}
