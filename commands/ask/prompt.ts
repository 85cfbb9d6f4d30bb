/**
 * Fills a template's placeholders. In one pass: what a value holds is no
 * placeholder.
 *
 * @param values - by placeholder; one that is missing becomes empty
 */
export function renderPrompt(
  template: string,
  values: Readonly<Record<string, string>>,
): string {
  return template.replace(/\{(\w+)\}/g, (_, name: string) =>
    Object.hasOwn(values, name) ? (values[name] ?? "") : "",
  );
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
