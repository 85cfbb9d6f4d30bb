import { type Comparison } from "./compare-answers";
import { type Golden } from "./golden-answers";
import { figures, type Reading } from "./parity";
import { type ServedAnswer } from "./served-answers";

/** How a served model differs from the one that was scored. */
export interface ParityFailure {
  readonly kind: "version" | "tokenizer" | "template" | "batching" | "weights";

  /** For a sentence: "the service …". */
  readonly what: string;
  readonly remedy: string;

  /** Prompts with both answers, the worst first. */
  readonly examples: readonly string[];
}

/** @returns undefined when the service answers as the scored model. */
export function parityFailure(
  comparison: Comparison,
  golden: Golden,
  runId: string,
): ParityFailure | undefined {
  const { answers, parities, lineage } = comparison;
  const failed = parities.filter(({ passed }) => !passed);
  const beyond = failed.map(figures).join("; ");
  const worst = failed[0]?.beyond ?? [];
  if (lineage && lineage.run_id !== runId) {
    return {
      kind: "version",
      what: `answers with run ${lineage.run_id}, not with ${runId}`,
      remedy:
        "see that all traffic goes to the latest revision (gcloud run services update-traffic --to-latest), and deploy again",
      examples: [],
    };
  }
  const misread = answers.filter((answer) =>
    differ(answer.golden.prompt_token_ids, answer.promptTokenIds),
  );
  if (misread[0] !== undefined) {
    const { golden: one, promptTokenIds } = misread[0];
    return {
      kind: "tokenizer",
      what: `reads ${misread.length} of ${answers.length} prompts as other tokens than the trainer did: ${tokenDifference(one.prompt_token_ids, promptTokenIds)}${beyond && `; ${beyond}`}`,
      remedy:
        "look for what replaces or misreads the version's tokenizer: its tokenizer files in the bucket, --tokenizer in serving.args, an image with another transformers",
      examples: examples(misread, worst),
    };
  }
  const rendered = answers.filter(
    ({ golden: one, chatTokenIds }) =>
      chatTokenIds && differ(one.prompt_token_ids, chatTokenIds),
  );
  if (rendered[0]?.chatTokenIds) {
    const { golden: one, chatTokenIds } = rendered[0];
    return {
      kind: "template",
      what: `renders ${rendered.length} of ${answers.length} chats otherwise than they were trained: ${tokenDifference(one.prompt_token_ids, chatTokenIds)}`,
      remedy:
        "look for what replaces the version's chat template: chat_template.jinja in the bucket, --chat-template in serving.args",
      examples: examples(rendered, worst),
    };
  }
  const { template } = golden;
  if (
    template &&
    lineage?.prompt !== undefined &&
    lineage.prompt !== template
  ) {
    return {
      kind: "template",
      what: `fills in the template ${JSON.stringify(lineage.prompt)}, and was trained with ${JSON.stringify(template)}`,
      remedy: "restore the version's manifest.json",
      examples: [],
    };
  }
  if (failed.length === 0) return undefined;
  const alone = parities[0]?.passed === true;
  return {
    kind: alone ? "batching" : "weights",
    what: alone
      ? `answers as the scored model when it is asked one thing at a time, and not otherwise: ${beyond}`
      : `computes with other weights than were scored, or reads settings of the model, such as its rope_theta, otherwise: ${beyond}, in ${worst.length} of ${answers.length} prompts`,
    remedy: alone
      ? "look at what depends on the batch: attention kernels and caches of the image's vLLM version, serving.args such as --kv-cache-dtype; serving.maxNumSeqs 1 avoids it"
      : "look for what changes the arithmetic (--quantization, --kv-cache-dtype, --hf-overrides or another --model in serving.args, an image with another vLLM), and compare config.json and the weights with the manifest (serving.verify: all)",
    examples: examples(answers, worst),
  };
}

/** The prompts of `answers` that are furthest from the bar, with both answers. */
function examples(
  answers: readonly ServedAnswer[],
  worst: readonly Reading[],
): string[] {
  const place = ({ golden }: ServedAnswer) => {
    const at = worst.findIndex(({ prompt }) => prompt.id === golden.id);
    return at < 0 ? worst.length : at;
  };
  const sorted = [...answers].sort((a, b) => place(a) - place(b));
  return sorted.slice(0, 3).map((answer) => {
    const { id, prompt, text } = answer.golden;
    const reading = worst.find((one) => one.prompt.id === id);
    const token = reading && [
      `  token ${reading.worst.place + 1} of the expected answer, ${JSON.stringify(reading.worst.golden)}, is ${Math.max(...reading.gaps).toFixed(2)} nats below ${JSON.stringify(reading.worst.first)}`,
    ];
    return [
      `prompt ${id}: ${shown(prompt)}`,
      `  expected: ${shown(text)}`,
      `  served:   ${shown(answer.text)}`,
      ...(token ?? []),
    ].join("\n");
  });
}

function differ(expected: readonly number[], got: readonly number[]): boolean {
  return (
    expected.length !== got.length ||
    expected.some((token, place) => token !== got[place])
  );
}

/** In what two sequences of tokens differ, e.g. only in the first. */
function tokenDifference(
  expected: readonly number[],
  got: readonly number[],
): string {
  const [first] = expected;
  if (!differ(expected.slice(1), got)) {
    return `the first token, ${first}, is missing (mostly the beginning-of-text)`;
  }
  if (!differ(expected, got.slice(1))) {
    return `token ${got[0]} comes first in addition${got[0] === first ? ", twice now" : ""}`;
  }
  if (!differ(expected, got.slice(0, -1))) {
    return `token ${got.at(-1)} comes last in addition`;
  }
  const place = expected.findIndex((token, at) => token !== got[at]);
  return `token ${place + 1} of ${expected.length} is ${got[place] ?? "missing"}, expected ${expected[place]}`;
}

/** Text in one line; of a long one its end, where prompts differ. */
function shown(text: string): string {
  const line = JSON.stringify(text);
  return line.length <= 240 ? line : `"…${line.slice(-239)}`;
}
