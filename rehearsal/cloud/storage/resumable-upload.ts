import { createWriteStream, existsSync, statSync, truncateSync } from "node:fs";
import { pipeline } from "node:stream/promises";
import { ApiError } from "../api-error";
import { type Answer, type Call, RawAnswer } from "../call";
import type { Cloud } from "../cloud";
import { randomHex } from "../identifiers";
import type { Json } from "../state";
import { requireStorage } from "./bucket-access";
import { checkPreconditions } from "./preconditions";
import { stored } from "./stored-upload";

/** An upload that was begun. */
interface Session {
  readonly call: Call;
  readonly metadata: Json;
  readonly file: string;

  /** What its end was answered with: the sender may ask again. */
  finished?: Json;
}

const sessions = new WeakMap<Cloud, Map<string, Session>>();

/** @see https://cloud.google.com/storage/docs/performing-resumable-uploads */
export async function resumable(call: Call, cloud: Cloud): Promise<Answer> {
  const open = sessions.get(cloud) ?? new Map<string, Session>();
  sessions.set(cloud, open);
  const id = call.query.get("upload_id");
  if (id === null) {
    return begin(call, cloud, open);
  }
  const session = open.get(id);
  if (session === undefined) {
    throw new ApiError(404, "The upload session does not exist.", {
      reason: "notFound",
    });
  }
  return session.finished ?? advance(call, cloud, session);
}

async function begin(
  call: Call,
  cloud: Cloud,
  open: Map<string, Session>,
): Promise<Answer> {
  const chunks: Buffer[] = [];
  for await (const chunk of call.request) chunks.push(chunk as Buffer);
  const text = Buffer.concat(chunks).toString();
  const contentType = call.request.headers["x-upload-content-type"];
  const metadata: Json = {
    ...(contentType ? { contentType } : {}),
    ...(text.trim() === "" ? {} : JSON.parse(text)),
  };
  const bucket = call.path["bucket"]!;
  const name = call.query.get("name") ?? metadata["name"] ?? "";
  requireStorage(cloud, call, "storage.objects.create", bucket, name);
  checkPreconditions(call.query, cloud.objects.find(bucket, name));
  const id = randomHex(32);
  open.set(id, { call, metadata, file: cloud.objects.temporaryFile() });
  const location = new URL(call.request.url!, cloud.origin);
  location.searchParams.set("upload_id", id);
  return new RawAnswer(200, {
    location: location.href,
    "x-guploader-uploadid": id,
  });
}

async function advance(
  call: Call,
  cloud: Cloud,
  session: Session,
): Promise<Answer> {
  const { file } = session;
  const received = existsSync(file) ? statSync(file).size : 0;
  const range = String(call.request.headers["content-range"] ?? "");
  const [, first, , total] =
    /^bytes (?:(\d+)-(\d+)|\*)\/(\d+|\*)$/.exec(range) ?? [];
  const start = first === undefined ? received : Number(first);
  if (start > received) {
    throw new ApiError(
      400,
      `Invalid request. According to the Content-Range header, the upload offset is ${start} byte(s), which exceeds already uploaded size of ${received} byte(s).`,
      { reason: "badRequest" },
    );
  }
  // A repeated piece replaces what arrived of it the first time.
  if (first !== undefined && existsSync(file)) {
    truncateSync(file, start);
  }
  await pipeline(call.request, createWriteStream(file, { flags: "a" }));
  const size = statSync(file).size;
  const complete =
    range === "" ||
    (total !== undefined && total !== "*" && size >= Number(total));
  if (!complete) {
    return incomplete(call, size);
  }
  session.finished = await stored(
    session.call,
    cloud,
    file,
    session.metadata,
    call.request,
  );
  return session.finished;
}

function incomplete({ request }: Call, size: number): RawAnswer {
  const range: Record<string, string> =
    size > 0 ? { range: `bytes=0-${size - 1}` } : {};
  // Clients whose HTTP library takes 308 for a redirect ask for 200.
  return request.headers["x-guploader-no-308"] === "yes"
    ? new RawAnswer(200, { ...range, "x-http-status-code-override": "308" })
    : new RawAnswer(308, range);
}
