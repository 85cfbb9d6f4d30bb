/**
 * The template for a question to the model that a manifest describes. One that
 * was trained on chats is sent a message, to which the server applies the chat
 * template; the manifest's own prompt says nothing about it.
 *
 * @param manifest - answer of `GET /lineage`
 * @param withContext - whether there are tables to tell
 * @returns null where it is no manifest, such as from the tutorial's image
 */
export function templateOf(
  manifest: string,
  withContext: boolean,
): string | null {
  try {
    const { prompt, dataset } = JSON.parse(manifest) as {
      prompt?: unknown;
      dataset?: { format?: unknown };
    };
    if (dataset?.format === "messages") {
      return withContext ? "{context}\n\n{question}" : "{question}";
    }
    return typeof prompt === "string" ? prompt : null;
  } catch {
    return null;
  }
}

/**
 * Fills a template's placeholders. A literal brace is written twice: Python's
 * str.format filled it for training. In one pass: what a value holds is no
 * placeholder.
 *
 * @param values - by placeholder; one that is missing becomes empty
 */
export function renderPrompt(
  template: string,
  values: Readonly<Record<string, string>>,
): string {
  return template.replace(
    /\{\{|\}\}|\{(\w+)\}/g,
    (whole, name: string | undefined) =>
      name === undefined
        ? whole.charAt(0)
        : Object.hasOwn(values, name)
          ? (values[name] ?? "")
          : "",
  );
}

/** Names of a template's placeholders, each once. */
export function placeholdersOf(template: string): string[] {
  const marks = template.matchAll(/\{\{|\}\}|\{(\w+)\}/g);
  const names = [...marks].flatMap(([, name]) => name ?? []);
  return [...new Set(names)];
}

/**
 * The completion in an answer of `POST /generate`: tuneserve's server gives it
 * alone, the tutorial's image behind an echo, "Prompt:\n…\nOutput:\n …".
 *
 * @returns null for an answer of another shape
 */
export function completionOf(answer: string, prompt: string): string | null {
  let predictions: unknown;
  try {
    ({ predictions } = JSON.parse(answer) as { predictions?: unknown });
  } catch {
    return null;
  }
  const [text] = Array.isArray(predictions) ? (predictions as unknown[]) : [];
  if (typeof text !== "string") {
    return null;
  }
  const echo = `Prompt:\n${prompt.trim()}\nOutput:\n`;
  if (text.startsWith(echo)) {
    return text.slice(echo.length).trim();
  }
  const output = /^Prompt:\n[^]*?\nOutput:\n/.exec(text);
  return text.slice(output?.[0].length ?? 0).trim();
}
