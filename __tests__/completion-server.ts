import {
  createServer,
  type IncomingMessage,
  type Server,
  type ServerResponse,
} from "node:http";
import type { AddressInfo } from "node:net";

/** A request that a `CompletionServer` has to answer. */
export interface Asked {
  readonly path: string;
  readonly body: Record<string, unknown>;
  readonly response: ServerResponse;
  /** How many requests came before. */
  readonly number: number;
}

/** Stands for vLLM's OpenAI routes. */
export class CompletionServer {
  public readonly asked: Asked[] = [];
  public url = "";
  /** Content of GET /lineage. */
  public lineage: unknown = {
    run_id: "0123456789ab",
    prompt: "Question: {question}\nContext: {context}\nAnswer:",
  };
  /** Status of GET /v1/models, in order; the last one stays. */
  public starting: number[] = [200];
  private readonly server: Server;

  public constructor(
    /** @default answers at once with three tokens */
    public answer: (asked: Asked) => unknown = ({ response }) =>
      stream(response, 3),
  ) {
    this.server = createServer((request, response) => {
      void this.handle(request, response);
    });
  }

  public async listen(): Promise<void> {
    await new Promise<void>((done) => this.server.listen(0, "127.0.0.1", done));
    this.url = `http://127.0.0.1:${(this.server.address() as AddressInfo).port}`;
  }

  public async close(): Promise<void> {
    this.server.closeAllConnections();
    await new Promise((done) => this.server.close(done));
  }

  private async handle(
    request: IncomingMessage,
    response: ServerResponse,
  ): Promise<void> {
    let text = "";
    for await (const chunk of request) text += String(chunk);
    if (request.url === "/v1/models") {
      const status =
        this.starting.length > 1 ? this.starting.shift() : this.starting[0];
      response.writeHead(status ?? 500);
      response.end(JSON.stringify({ data: [{ id: "tiny" }] }));
    } else if (request.url === "/lineage") {
      response.end(JSON.stringify(this.lineage));
    } else {
      const body = JSON.parse(text) as Record<string, unknown>;
      const number = this.asked.length;
      const asked = { path: request.url ?? "", body, response, number };
      this.asked.push(asked);
      await this.answer(asked);
    }
  }
}

/** Begins an answer as vLLM does. */
export function begin(response: ServerResponse): void {
  response.writeHead(200, {
    "content-type": "text/event-stream; charset=utf-8",
  });
}

/** Writes one event. */
export function event(response: ServerResponse, data: unknown): void {
  response.write(`data: ${JSON.stringify(data)}\n\n`);
}

/** A whole answer of some tokens. */
export function stream(response: ServerResponse, tokens: number): void {
  begin(response);
  for (let token = 0; token < tokens; token += 1) {
    event(response, { choices: [{ text: " x" }] });
  }
  event(response, {
    choices: [],
    usage: { prompt_tokens: 10, completion_tokens: tokens },
  });
  response.end("data: [DONE]\n\n");
}
