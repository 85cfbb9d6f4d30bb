import { createParser } from "eventsource-parser";
import { shortened } from "../ask/shortened";
import { RequestFailure } from "./request-failure";

/** What one answer was like; times as `performance.now()` has them. */
export interface Answer {
  readonly firstTokenAt: number;
  readonly endedAt: number;
  readonly tokens: number;
  readonly promptTokens: number;
}

interface StreamEvent {
  readonly choices?: readonly {
    readonly text?: string;
    readonly delta?: { readonly content?: string | null };
    readonly finish_reason?: string | null;
  }[];
  readonly usage?: {
    readonly prompt_tokens?: number;
    readonly completion_tokens?: number;
  } | null;
  readonly error?: unknown;
}

/**
 * Reads a streamed completion as OpenAI's API sends it: events of JSON, the
 * token counts in the last one, then `[DONE]`.
 *
 * @throws RequestFailure
 * @see https://platform.openai.com/docs/api-reference/completions/create
 */
export async function readAnswerStream(
  chunks: AsyncIterable<Buffer>,
): Promise<Answer> {
  let firstTokenAt: number | undefined;
  let endedAt: number | undefined;
  let events = 0;
  let usage: StreamEvent["usage"];
  const parser = createParser({
    onEvent({ data }) {
      if (data === "[DONE]") {
        endedAt ??= performance.now();
        return;
      }
      const event = parse(data);
      usage = event.usage ?? usage;
      const [choice] = event.choices ?? [];
      // A chat begins with an event that has a role and no text.
      if (choice && (textOf(choice) || choice.finish_reason)) {
        firstTokenAt ??= performance.now();
        events += 1;
      }
    },
  });
  const decoder = new TextDecoder();
  for await (const chunk of chunks) {
    parser.feed(decoder.decode(chunk, { stream: true }));
  }
  if (endedAt === undefined) {
    throw new RequestFailure(
      "closed in mid-answer",
      `the answer ended after ${events} events, without [DONE]`,
    );
  }
  if (firstTokenAt === undefined) {
    throw new RequestFailure("malformed answer", "an answer without a token");
  }
  return {
    firstTokenAt,
    endedAt,
    // Servers without `stream_options` send about one token an event.
    tokens: usage?.completion_tokens ?? events,
    promptTokens: usage?.prompt_tokens ?? 0,
  };
}

function textOf({
  text,
  delta,
}: NonNullable<StreamEvent["choices"]>[number]): string {
  return text ?? delta?.content ?? "";
}

function parse(data: string): StreamEvent {
  let event: unknown;
  try {
    event = JSON.parse(data);
  } catch {
    throw new RequestFailure("malformed answer", `no JSON: ${shortened(data)}`);
  }
  const { choices, error } = (event ?? {}) as StreamEvent;
  if (error !== undefined) {
    throw new RequestFailure(
      "error in mid-answer",
      shortened(JSON.stringify(error)),
    );
  }
  if (!Array.isArray(choices)) {
    throw new RequestFailure(
      "malformed answer",
      `no completion: ${shortened(data)}`,
    );
  }
  return event as StreamEvent;
}
