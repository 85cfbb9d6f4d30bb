import { createInterface } from "node:readline/promises";
import type { ModelCount } from "./model-deletion";
import type { StateResource } from "./terraform";

/**
 * What a destroy will delete, and what it leaves.
 *
 * @param bucket - name of the models' bucket, if it exists
 * @param models - what is in it, if that goes too
 */
export function whatGoes(
  resources: readonly StateResource[],
  bucket: string | undefined,
  models: ModelCount | null,
): string {
  const counts = new Map<string, number>();
  for (const { type } of resources) {
    counts.set(type, (counts.get(type) ?? 0) + 1);
  }
  const kinds = [...counts]
    .sort()
    .map(([type, count]) => `  ${String(count).padStart(3)}  ${type}`);
  const lines =
    resources.length === 0
      ? ["Goes:  nothing is left of the stack itself."]
      : [`Goes:  ${plural(resources.length, "resource")}`, ...kinds];
  if (bucket && models) {
    const gigabytes = (models.bytes / 1e9).toFixed(1);
    lines.push(
      `Goes:  the bucket gs://${bucket} with ${plural(models.objects, "object")}, ${gigabytes} GB, older versions included.`,
      `       Trained models that are lost: ${models.versions.join(", ") || "none"}`,
    );
  } else if (bucket) {
    lines.push(`Stays: the bucket gs://${bucket} with the trained models.`);
  }
  return [...lines, "Stays: the project's APIs, enabled."].join("\n");
}

/** What stays after a destroy, and how it goes. */
export function howToDelete(bucket: string): string {
  return [
    `gs://${bucket} stays, with the models in it, and costs what its storage costs. The next npm run deploy finds it`,
    "again and does not train what is in it. To delete it: npm run destroy -- --with-models, or",
    `  gcloud storage rm --recursive gs://${bucket}`,
  ].join("\n");
}

/** Asks on the terminal; Ctrl-C and Ctrl-D are a no. */
export async function approved(answer: string): Promise<boolean> {
  const terminal = createInterface({
    input: process.stdin,
    output: process.stdout,
  });
  const closed = new Promise<string>((resolve) =>
    terminal.once("close", () => resolve("")),
  );
  const typed = await Promise.race([
    terminal.question(`Type '${answer}' to go on: `).catch(() => ""),
    closed,
  ]);
  terminal.close();
  return typed.trim() === answer;
}

function plural(count: number, thing: string): string {
  return `${count} ${thing}${count === 1 ? "" : "s"}`;
}
