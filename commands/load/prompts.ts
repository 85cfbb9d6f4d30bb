import { placeholdersOf, renderPrompt } from "../ask/prompt";
import { CommandError } from "../command-line";
import { builtInQuestions } from "./built-in-questions";
import type { Prompt, Prompts } from "./prompt";

/** How the served model is asked. */
export interface Asking {
  /** With placeholders such as `{question}`. */
  readonly template: string;
  /** Whether it was trained on chats: the server renders them. */
  readonly chat: boolean;
}

/** A row of the template's columns as the model wants to be asked. */
export function promptOf(
  { template, chat }: Asking,
  row: Readonly<Record<string, string>>,
): Prompt {
  const text = renderPrompt(template, row);
  return chat
    ? {
        path: "/v1/chat/completions",
        messages: [{ role: "user", content: text }],
      }
    : { path: "/v1/completions", prompt: text };
}

/** The rows of a file over and over, in their order. */
export function* repeated(rows: readonly Prompt[]): Prompts {
  for (let turn = 0; ; turn += 1) {
    yield rows[turn % rows.length]!;
  }
}

/**
 * The built-in questions.
 *
 * @throws CommandError when the model's template asks for something else
 */
export function builtInPrompts(asking: Asking): Prompts {
  const others = placeholdersOf(asking.template).filter(
    (name) => name !== "question" && name !== "context",
  );
  if (others.length > 0) {
    throw new CommandError(
      `The model's template has {${others.join("}, {")}}, and the built-in questions know {question} and {context}: give prompts of your own with --prompts FILE.jsonl.`,
      2,
    );
  }
  return askedWith(asking);
}

function* askedWith(asking: Asking): Prompts {
  const questions = builtInQuestions();
  for (;;) {
    const { question, context } = questions.next().value;
    yield promptOf(asking, { question, context });
  }
}
