import { type Golden } from "./golden-answers";
import { type Parity, parityOf } from "./parity";
import {
  modelOf,
  readings,
  type ServedAnswer,
  servedAnswers,
} from "./served-answers";
import { type ServedModel, ServerError } from "./served-model";
import { Unchecked } from "./unchecked";

/** How a server answers what a version's golden answers ask. */
export interface Comparison {
  readonly answers: readonly ServedAnswer[];

  /** At concurrency 1, and at the higher one. */
  readonly parities: readonly Parity[];

  /** Prompts that are too long for the server's context. */
  readonly tooLong: number;

  /** What the server says it serves: its manifest. */
  readonly lineage: Lineage | undefined;
}

export interface Lineage {
  readonly run_id?: string;
  readonly prompt?: string;
}

export interface ComparisonOptions {
  /** Requests at a time in the second pass. */
  readonly concurrency: number;

  /** Run that should answer; another's answer may still come from before. */
  readonly runId: string;
  readonly say: (text: string) => void;

  /** Seconds that another run may go on answering. @default 60 */
  readonly changeSeconds?: number;
  readonly wait: (seconds: number) => Promise<void>;
}

/** @throws Unchecked, or what is wrong with the server. */
export async function compareAnswers(
  server: ServedModel,
  golden: Golden,
  options: ComparisonOptions,
): Promise<Comparison> {
  const { concurrency, say } = options;
  const model = await modelOf(server);
  const lineage = await lineageOf(server, options);
  const limit = model.max_model_len ?? Infinity;
  const prompts = golden.prompts.filter(
    // One token more: the server has to generate at least one.
    (one) => one.prompt_token_ids.length + one.token_ids.length < limit,
  );
  if (prompts.length === 0) {
    throw new Unchecked(
      `every golden prompt with its answer is longer than the server takes (serving.maxModelLen: ${limit})`,
    );
  }
  say(`asking ${prompts.length} golden prompts`);
  const answers = await servedAnswers(
    server,
    model,
    golden,
    prompts,
    concurrency,
  );
  const parities: Parity[] = [];
  for (const atATime of concurrency > 1 ? [1, concurrency] : [1]) {
    say(`reading the golden answers, ${atATime} at a time`);
    const found = await readings(server, model, answers, atATime);
    parities.push(parityOf(atATime, found));
  }
  const tooLong = golden.prompts.length - prompts.length;
  return { answers, parities, tooLong, lineage };
}

/** Right after a change of revisions the one before may still answer. */
async function lineageOf(
  server: ServedModel,
  { runId, changeSeconds = 60, wait, say }: ComparisonOptions,
): Promise<Lineage | undefined> {
  const step = changeSeconds / 12;
  for (let left = 12; ; left -= 1) {
    let lineage: Lineage;
    try {
      lineage = await server.ask<Lineage>("/lineage");
    } catch (error) {
      if (error instanceof ServerError && error.status === 404)
        return undefined;
      throw error;
    }
    if (lineage.run_id === runId || left === 0) return lineage;
    say(`run ${lineage.run_id} still answers`);
    await wait(step);
  }
}
