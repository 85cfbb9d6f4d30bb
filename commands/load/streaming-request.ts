import {
  type Agent,
  type IncomingMessage,
  request as httpRequest,
} from "node:http";
import { request as httpsRequest } from "node:https";
import { shortened } from "../ask/shortened";
import { type Answer, readAnswerStream } from "./answer-stream";
import type { Prompt } from "./prompt";
import { RequestFailure } from "./request-failure";

/** Sends one prompt and reads its answer; an abort's reason is what it throws. */
export type Exchange = (prompt: Prompt, signal: AbortSignal) => Promise<Answer>;

export interface StreamingRequestProps {
  readonly url: string;
  readonly agent: Agent;
  /** Identity token; none for a server that asks for none. */
  readonly token: string | null;
  /** Name that the server has for the model. */
  readonly model: string;
  readonly maxTokens: number;
}

/** Requests to one server's OpenAI routes, streamed to see the first token. */
export function streamingRequest(props: StreamingRequestProps): Exchange {
  const base = props.url.replace(/\/+$/, "");
  return async ({ path, ...asked }, signal) => {
    const body = JSON.stringify({
      model: props.model,
      ...asked,
      max_tokens: props.maxTokens,
      temperature: 0,
      stream: true,
      stream_options: { include_usage: true },
    });
    try {
      const response = await opened(props, `${base}${path}`, body, signal);
      return await answerOf(response);
    } catch (error) {
      if (signal.aborted) throw signal.reason;
      throw error instanceof RequestFailure ? error : closed(error as Error);
    }
  };
}

function opened(
  props: StreamingRequestProps,
  url: string,
  body: string,
  signal: AbortSignal,
): Promise<IncomingMessage> {
  return new Promise((resolve, reject) => {
    const send = url.startsWith("https:") ? httpsRequest : httpRequest;
    const request = send(url, {
      method: "POST",
      agent: props.agent,
      signal,
      headers: {
        "content-type": "application/json",
        "content-length": Buffer.byteLength(body),
        accept: "text/event-stream",
        ...(props.token === null
          ? {}
          : { authorization: `Bearer ${props.token}` }),
      },
    });
    let connected = false;
    request.on("socket", (socket) => {
      connected = !socket.connecting;
      if (!connected) {
        // Only once for a socket, which many requests use.
        const secure = url.startsWith("https:");
        socket.once(secure ? "secureConnect" : "connect", () => {
          connected = true;
        });
      }
    });
    request.on("response", resolve);
    request.on("error", (error: NodeJS.ErrnoException) => {
      if (error.code?.startsWith("HPE_")) {
        reject(new RequestFailure("malformed answer", error.message));
      } else if (connected) {
        reject(new RequestFailure("closed before an answer", error.message));
      } else {
        reject(new RequestFailure("no connection", error.message));
      }
    });
    request.end(body);
  });
}

async function answerOf(response: IncomingMessage): Promise<Answer> {
  const { statusCode, headers } = response;
  const type = headers["content-type"] ?? "";
  if (statusCode === 200 && type.startsWith("text/event-stream")) {
    return readAnswerStream(response);
  }
  const text = await firstWords(response);
  throw statusCode === 200
    ? new RequestFailure("malformed answer", `${type || "no type"}: ${text}`)
    : new RequestFailure(`HTTP ${statusCode}`, text);
}

async function firstWords(response: IncomingMessage): Promise<string> {
  let text = "";
  for await (const chunk of response) {
    // All of it is read, so that the connection can be used again.
    if (text.length < 2000) text += String(chunk);
  }
  return shortened(text);
}

function closed(error: Error): RequestFailure {
  return new RequestFailure("closed in mid-answer", error.message);
}
