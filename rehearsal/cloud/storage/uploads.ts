import { createWriteStream } from "node:fs";
import { writeFile } from "node:fs/promises";
import type { IncomingMessage } from "node:http";
import { pipeline } from "node:stream/promises";
import { ApiError } from "../api-error";
import type { Answer, Call } from "../call";
import type { Cloud } from "../cloud";
import { existingBucket } from "./bucket-access";
import { readMultipart } from "./multipart";
import { resumable } from "./resumable-upload";
import { stored } from "./stored-upload";

/** The three ways to upload. @see https://cloud.google.com/storage/docs/uploads-downloads */
export async function insertObject(call: Call, cloud: Cloud): Promise<Answer> {
  existingBucket(cloud, call.path["bucket"]!);
  const type = call.query.get("uploadType");
  switch (type) {
    case "resumable":
      return resumable(call, cloud);
    case "multipart": {
      const { metadata, content, contentType } = readMultipart(
        call.request.headers["content-type"] ?? "",
        await bytes(call.request),
      );
      const file = cloud.objects.temporaryFile();
      await writeFile(file, content);
      return stored(call, cloud, file, {
        ...(contentType ? { contentType } : {}),
        ...metadata,
      });
    }
    case "media": {
      const file = cloud.objects.temporaryFile();
      await pipeline(call.request, createWriteStream(file));
      const contentType = call.request.headers["content-type"];
      return stored(call, cloud, file, contentType ? { contentType } : {});
    }
    default:
      throw new ApiError(
        400,
        `Upload type '${type ?? ""}' is not one of media, multipart, resumable.`,
        { reason: "badRequest" },
      );
  }
}

async function bytes(request: IncomingMessage): Promise<Buffer> {
  const chunks: Buffer[] = [];
  for await (const chunk of request) chunks.push(chunk as Buffer);
  return Buffer.concat(chunks);
}
