import { z } from "zod";
import { GoogleApiError } from "./google-api-error";
import { type Session } from "./provisioner";
import { Unchecked } from "./unchecked";

const ids = z.array(z.int().min(0)).min(1);

const GOLDEN = z.object({
  format: z.literal(1),
  /** Whether the tokenizer puts its special tokens around the prompts' texts. */
  add_special_tokens: z.boolean(),
  /** The prompts' template; null for chats, which have their messages. */
  template: z.string().nullish(),
  chat_template_kwargs: z.record(z.string(), z.unknown()).optional(),
  prompts: z
    .array(
      z
        .object({
          id: z.string(),
          prompt: z.string(),
          prompt_token_ids: ids,
          token_ids: ids,
          logprobs: z.array(z.number().max(1e-3)),
          text: z.string(),
          messages: z.array(z.looseObject({})).optional(),
        })
        .refine((row) => row.logprobs.length === row.token_ids.length),
    )
    .min(1),
});

/** What the trainer says the model answers: `golden.json` of a version. */
export type Golden = z.output<typeof GOLDEN>;
export type GoldenPrompt = Golden["prompts"][number];

/** @throws Error when it is not what the trainer writes. */
export function readGolden(content: unknown, where: string): Golden {
  const format = (content as { format?: unknown } | null)?.format;
  if (typeof format === "number" && format > 1) {
    throw new Unchecked(
      `${where} has format ${format}, of a newer trainer than this check knows (1)`,
    );
  }
  const parsed = GOLDEN.safeParse(content);
  if (parsed.success) return parsed.data;
  const [problem] = parsed.error.issues;
  throw new Error(
    `${where} is not what the trainer writes (${problem?.path.join(".")}: ${problem?.message}). What to do: restore the object, or delete the version's folder and deploy again, which trains it again`,
  );
}

/**
 * Fetches them with the credentials of the apply, which need
 * storage.objects.get on the bucket.
 *
 * @param version - folder in the bucket, `MODEL/RUN_ID`.
 * @throws Unchecked when the version has none, or they may not be read.
 */
export async function fetchGolden(
  session: Session,
  bucket: string,
  version: string,
): Promise<Golden> {
  const where = `gs://${bucket}/${version}/golden.json`;
  const content = await read(session, bucket, `${version}/golden.json`);
  if (content !== undefined) return readGolden(content, where);
  const manifest = (await read(session, bucket, `${version}/manifest.json`)) as
    | { files?: { name?: string }[] }
    | undefined;
  if (manifest?.files?.some(({ name }) => name === "golden.json")) {
    throw new Error(
      `${where} is missing, though the version's manifest names it. What to do: restore the object, or delete the version's folder and deploy again, which trains it again`,
    );
  }
  throw new Unchecked(
    `gs://${bucket}/${version} was published without golden answers, before the trainer stored them (a run that is trained anew has them)`,
  );
}

async function read(
  { client }: Session,
  bucket: string,
  object: string,
): Promise<unknown> {
  try {
    return await client.request<unknown>({
      service: "storage",
      path: `b/${bucket}/o/${encodeURIComponent(object)}`,
      query: { alt: "media" },
    });
  } catch (error) {
    if (!(error instanceof GoogleApiError)) throw error;
    if (error.status === 404) return undefined;
    if (error.status !== 403) throw error;
    throw new Unchecked(
      `gs://${bucket}/${object} may not be read (${error.message}): whoever applies needs roles/storage.objectViewer on the bucket: gcloud storage buckets add-iam-policy-binding gs://${bucket} --member MEMBER --role roles/storage.objectViewer`,
    );
  }
}
