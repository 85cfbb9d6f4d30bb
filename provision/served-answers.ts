import { type Golden, type GoldenPrompt } from "./golden-answers";
import { type PositionLogprobs, type Reading, readingOf } from "./parity";
import { type ServedModel, ServerError } from "./served-model";
import { Unchecked } from "./unchecked";

/** What a server makes of a golden prompt that is sent as text. */
export interface ServedAnswer {
  readonly golden: GoldenPrompt;

  /** Tokens that the server made of the text. */
  readonly promptTokenIds: readonly number[];

  /** Its own greedy answer, as long as the golden one at most. */
  readonly text: string;

  /** Tokens that it made of the chat's messages; undefined where there are none. */
  readonly chatTokenIds?: readonly number[];
}

interface Completion {
  readonly choices?: readonly {
    readonly text?: string;
    readonly prompt_token_ids?: number[] | null;
    readonly prompt_logprobs?: PositionLogprobs[] | null;
  }[];
}

/** What the server calls its model, and how many tokens it takes. */
export interface ModelInformation {
  readonly id: string;
  readonly max_model_len?: number;
}

/** @throws Unchecked when the server has no such API, or may not be reached. */
export async function modelOf(server: ServedModel): Promise<ModelInformation> {
  let said: { data?: ModelInformation[] };
  try {
    said = await server.ask("/v1/models");
  } catch (error) {
    if (!(error instanceof ServerError) || error.status !== 404) throw error;
    throw new Unchecked(
      /<html|<title/i.test(error.said)
        ? "no request from here reaches the service (404 of Google's front end): serving.ingress lets only its network in"
        : "the image has no /v1/models, which the check needs (vLLM's OpenAI API has it, the tutorial's serving image has not)",
    );
  }
  const [model] = said.data ?? [];
  if (!model) throw new Unchecked("/v1/models names no model");
  return model;
}

/** Asks all prompts as text, and chats as messages, too. */
export async function servedAnswers(
  server: ServedModel,
  { id: model }: ModelInformation,
  golden: Golden,
  prompts: readonly GoldenPrompt[],
  concurrency: number,
): Promise<ServedAnswer[]> {
  return inParallel(prompts, concurrency, async (one) => {
    const { choices } = await server.ask<Completion>("/v1/completions", {
      model,
      prompt: one.prompt,
      add_special_tokens: golden.add_special_tokens,
      max_tokens: one.token_ids.length,
      temperature: 0,
      return_token_ids: true,
    });
    const [choice] = choices ?? [];
    const promptTokenIds = choice?.prompt_token_ids;
    if (!promptTokenIds) throw missing("prompt_token_ids");
    const answer = { golden: one, promptTokenIds, text: choice.text ?? "" };
    if (one.messages === undefined) return answer;
    const chat = await server.ask<{ prompt_token_ids?: number[] | null }>(
      "/v1/chat/completions",
      {
        model,
        messages: one.messages,
        chat_template_kwargs: golden.chat_template_kwargs ?? {},
        max_tokens: 1,
        temperature: 0,
        return_token_ids: true,
      },
    );
    if (!chat.prompt_token_ids) throw missing("prompt_token_ids");
    return { ...answer, chatTokenIds: chat.prompt_token_ids };
  });
}

/**
 * Lets the server read prompt and golden answer, the prompt in the tokens that
 * the server itself makes of its text: so a tokenizer's fault shows in nats.
 */
export async function readings(
  server: ServedModel,
  { id: model }: ModelInformation,
  answers: readonly ServedAnswer[],
  concurrency: number,
): Promise<Reading[]> {
  return inParallel(answers, concurrency, async (answer) => {
    const { golden, promptTokenIds } = answer;
    const { choices } = await server.ask<Completion>("/v1/completions", {
      model,
      prompt: [...promptTokenIds, ...golden.token_ids],
      prompt_logprobs: 1,
      max_tokens: 1,
      temperature: 0,
    });
    const reading = readingOf(golden, choices?.[0]?.prompt_logprobs ?? []);
    if (!reading) throw missing("prompt_logprobs");
    return reading;
  });
}

function missing(field: string): Unchecked {
  return new Unchecked(
    `the image's /v1/completions gives no ${field}, which the check needs (vLLM 0.10.2 and later do)`,
  );
}

/** In the order of the items; the first failure ends it. */
async function inParallel<Item, Result>(
  items: readonly Item[],
  concurrency: number,
  work: (item: Item) => Promise<Result>,
): Promise<Result[]> {
  const results: Result[] = [];
  let next = 0;
  const worker = async () => {
    while (next < items.length) {
      const number = next++;
      results[number] = await work(items[number]!);
    }
  };
  const workers = Math.min(concurrency, items.length);
  await Promise.all(Array.from({ length: workers }, worker));
  return results;
}
