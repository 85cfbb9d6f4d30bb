import { createReadStream, createWriteStream, rmSync } from "node:fs";
import { open } from "node:fs/promises";
import type { IncomingMessage } from "node:http";
import { pipeline } from "node:stream/promises";
import { ApiError } from "../api-error";
import { RawAnswer } from "../call";
import type { Cloud } from "../cloud";
import { randomHex } from "../identifiers";
import { existingBucket, requireStorage } from "./bucket-access";
import { checksums } from "./checksums";
import { objectHeaders } from "./object-json";

/** An upload in parts that was begun, and what has arrived of it by number. */
interface Session {
  readonly bucket: string;
  readonly name: string;
  readonly contentType: string | undefined;
  readonly parts: Map<number, { readonly file: string; readonly etag: string }>;
}

const sessions = new WeakMap<Cloud, Map<string, Session>>();

/**
 * Multipart uploads of the XML API: `upload_chunks_concurrently` of Python's transfer manager.
 *
 * @returns undefined for anything else
 * @see https://cloud.google.com/storage/docs/multipart-uploads
 */
export async function xmlMultipart(
  cloud: Cloud,
  request: IncomingMessage,
  url: URL,
): Promise<RawAnswer | undefined> {
  const { searchParams } = url;
  const id = searchParams.get("uploadId");
  const begins = request.method === "POST" && searchParams.has("uploads");
  const [bucket = "", ...rest] = url.pathname
    .slice(1)
    .split("/")
    .map(decodeURIComponent);
  if ((!begins && id === null) || !cloud.state.buckets[bucket]) {
    return undefined;
  }
  const name = rest.join("/");
  const principal = cloud.tokens.principal(request.headers.authorization);
  if (principal === undefined) {
    throw new ApiError(401, "Authentication required.");
  }
  existingBucket(cloud, bucket);
  const call = { principal };
  requireStorage(cloud, call, "storage.objects.create", bucket, name);
  const open = sessions.get(cloud) ?? new Map<string, Session>();
  sessions.set(cloud, open);
  if (begins) {
    const upload = randomHex(32);
    const contentType = request.headers["content-type"];
    open.set(upload, { bucket, name, contentType, parts: new Map() });
    return xml("InitiateMultipartUploadResult", {
      ...{ Bucket: bucket, Key: name, UploadId: upload },
    });
  }
  const session = open.get(id!);
  if (session === undefined || session.name !== name) {
    throw new ApiError(404, "The requested upload was not found.", {
      reason: "notFound",
    });
  }
  switch (request.method) {
    case "PUT":
      return part(
        cloud,
        session,
        request,
        Number(searchParams.get("partNumber")),
      );
    case "DELETE":
      open.delete(id!);
      return new RawAnswer(204, {});
    default: {
      if (cloud.objects.find(bucket, name)) {
        requireStorage(cloud, call, "storage.objects.delete", bucket, name);
      }
      const answer = await complete(cloud, session, request);
      open.delete(id!);
      return answer;
    }
  }
}

async function part(
  cloud: Cloud,
  { parts }: Session,
  request: IncomingMessage,
  number: number,
): Promise<RawAnswer> {
  if (!(number >= 1 && number <= 10_000)) {
    throw new ApiError(400, "The part number must be from 1 to 10000.");
  }
  const file = cloud.objects.temporaryFile();
  await pipeline(request, createWriteStream(file));
  const { crc32c, md5Hash } = await checksums(file);
  const said = String(request.headers["x-goog-hash"] ?? "");
  for (const [, kind, sum] of said.matchAll(/(crc32c|md5)=([^,\s]+)/g)) {
    if (sum !== (kind === "md5" ? md5Hash : crc32c)) {
      throw new ApiError(400, `The ${kind} of part ${number} does not match.`);
    }
  }
  const etag = `"${Buffer.from(md5Hash, "base64").toString("hex")}"`;
  parts.set(number, { file, etag });
  return new RawAnswer(200, {
    etag,
    "x-goog-hash": `crc32c=${crc32c},md5=${md5Hash}`,
  });
}

/** Joins the parts that its body lists, in their order. */
async function complete(
  cloud: Cloud,
  { bucket, name, contentType, parts }: Session,
  request: IncomingMessage,
): Promise<RawAnswer> {
  const chunks: Buffer[] = [];
  for await (const chunk of request) chunks.push(chunk as Buffer);
  const listed = Buffer.concat(chunks)
    .toString()
    .matchAll(/<PartNumber>(\d+)<\/PartNumber>\s*<ETag>([^<]+)<\/ETag>/g);
  const file = cloud.objects.temporaryFile();
  const target = await open(file, "w");
  let last = 0;
  for (const [, number, etag] of listed) {
    const found = parts.get(Number(number));
    if (
      Number(number) <= last ||
      found?.etag !== etag!.replaceAll("&quot;", '"')
    ) {
      await target.close();
      rmSync(file);
      throw new ApiError(400, `The part ${number} is not as it was uploaded.`);
    }
    last = Number(number);
    for await (const chunk of createReadStream(found.file)) {
      await target.write(chunk as Buffer);
    }
  }
  await target.close();
  for (const { file: used } of parts.values()) rmSync(used, { force: true });
  const fields = {
    componentCount: parts.size,
    ...(contentType ? { contentType } : {}),
  };
  const object = await cloud.objects.put({
    ...{ bucket, name, file, fields },
    md5: false,
  });
  const { etag } = object;
  const answer = xml("CompleteMultipartUploadResult", {
    ...{ Bucket: bucket, Key: name, ETag: etag },
  });
  return new RawAnswer(
    200,
    { ...objectHeaders(object), ...answer.headers },
    answer.content,
  );
}

function xml(root: string, fields: Readonly<Record<string, string>>) {
  const escaped = (text: string) =>
    text.replace(/[<>&]/g, (each) => `&#${each.charCodeAt(0)};`);
  const inner = Object.entries(fields)
    .map(([name, text]) => `<${name}>${escaped(text)}</${name}>`)
    .join("");
  return new RawAnswer(
    200,
    { "content-type": "application/xml; charset=UTF-8" },
    Buffer.from(
      `<?xml version='1.0' encoding='UTF-8'?><${root} xmlns='http://s3.amazonaws.com/doc/2006-03-01/'>${inner}</${root}>`,
    ),
  );
}
