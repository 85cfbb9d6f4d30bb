import { readFileSync } from "node:fs";
import { placeholdersOf } from "../ask/prompt";
import { CommandError } from "../command-line";
import type { Prompt } from "./prompt";
import { type Asking, promptOf } from "./prompts";

/**
 * Prompts of a JSON Lines file. A line holds a `prompt` as it is, `messages` of
 * a chat, or the template's placeholders; what else it holds, such as the
 * expected answer, is left alone.
 *
 * @throws CommandError (exit code 2) that names the line
 */
export function readPrompts(file: string, asking: Asking): Prompt[] {
  let text: string;
  try {
    text = readFileSync(file, "utf8");
  } catch (error) {
    throw new CommandError(
      `--prompts: ${(error as Error).message.replace(/^(\w+): /, "$1, ")}`,
      2,
    );
  }
  const prompts = text
    .split("\n")
    .flatMap((line, index) =>
      line.trim() === ""
        ? []
        : [asPrompt(line, asking, `${file}, line ${index + 1}`)],
    );
  if (prompts.length === 0) {
    throw new CommandError(`--prompts: ${file} has no lines`, 2);
  }
  return prompts;
}

function asPrompt(line: string, asking: Asking, where: string): Prompt {
  const wanted = placeholdersOf(asking.template);
  const allowed = [
    '{"prompt": "..."}',
    '{"messages": [{"role": "user", "content": "..."}]}',
    `{${wanted.map((name) => `"${name}": "..."`).join(", ")}}`,
  ].join(" or ");
  let row: unknown;
  try {
    row = JSON.parse(line);
  } catch (error) {
    throw new CommandError(
      `--prompts: ${where}: no JSON (${(error as Error).message}); allowed: ${allowed}`,
      2,
    );
  }
  const fields = (typeof row === "object" && row !== null ? row : {}) as Record<
    string,
    unknown
  >;
  const { prompt, messages } = fields;
  if (typeof prompt === "string" && prompt !== "") {
    return { path: "/v1/completions", prompt };
  }
  if (Array.isArray(messages) && messages.length > 0) {
    return { path: "/v1/chat/completions", messages: unanswered(messages) };
  }
  if (wanted.every((name) => typeof fields[name] === "string")) {
    return promptOf(asking, fields as Record<string, string>);
  }
  throw new CommandError(
    `--prompts: ${where}: got ${line.slice(0, 100)}; allowed: ${allowed}`,
    2,
  );
}

/** A chat up to the last question: rows for training end with the answer. */
function unanswered(messages: readonly unknown[]): readonly unknown[] {
  const { role } = (messages.at(-1) ?? {}) as { role?: unknown };
  return role === "assistant" ? messages.slice(0, -1) : messages;
}
