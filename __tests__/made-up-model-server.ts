import { createServer, type Server } from "node:http";
import { type AddressInfo } from "node:net";
import { type Golden } from "../provision/golden-answers";

/** Two golden answers, as the trainer stores them. */
export const GOLDEN: Golden = {
  format: 1,
  add_special_tokens: true,
  template: "Question: {question}\nAnswer:",
  prompts: [
    {
      id: "aaaaaaaaaaaa",
      prompt: "Question: how many?\nAnswer:",
      prompt_token_ids: [2, 11, 12, 13],
      token_ids: [21, 22, 23, 1],
      logprobs: [-0.01, -0.02, -0.4, -0.001],
      text: " SELECT 1",
    },
    {
      id: "bbbbbbbbbbbb",
      prompt: "Question: which?\nAnswer:",
      prompt_token_ids: [2, 11, 14],
      token_ids: [21, 24, 1],
      logprobs: [-0.01, -0.3, -0.002],
      text: " SELECT 2",
    },
  ],
};

/** A chat with the question of a golden answer. */
export const CHAT: Golden = {
  ...GOLDEN,
  add_special_tokens: false,
  template: null,
  chat_template_kwargs: { date_string: "26 Jul 2024" },
  prompts: GOLDEN.prompts.map((one) => ({
    ...one,
    messages: [{ role: "user", content: one.prompt }],
  })),
};

/** How a server differs from one that answers as the golden answers say. */
export interface Faults {
  /** Tokens that it makes of a prompt. */
  readonly tokens?: (ids: number[]) => number[];

  /** Tokens that it makes of a chat. */
  readonly chatTokens?: (ids: number[]) => number[];

  /**
   * Nats by which the token at a place is less likely; another one then comes
   * first.
   */
  readonly worse?: (place: number, atATime: number) => number;

  /** Nats by which its log-probabilities differ, with the same first choice. */
  readonly shift?: number;
  readonly text?: string;
  readonly lineage?: object | number | ((before: number) => object);
  readonly maxModelLen?: number;

  /** What it answers before anything else, the first so many times. */
  readonly before?: { readonly times: number; readonly status: number };

  /** Answers to requests by path, in place of its own. */
  readonly instead?: Readonly<Record<string, { status: number; body: string }>>;
}

export interface Received {
  readonly path: string;
  // eslint-disable-next-line @typescript-eslint/no-explicit-any
  readonly body: any;
  readonly authorization: string | undefined;
}

/** A server of vLLM's API on loopback that knows the golden answers by heart. */
export class MadeUpModelServer {
  readonly received: Received[] = [];
  mostAtATime = 0;
  private atATime = 0;

  private constructor(
    private readonly server: Server,
    private readonly golden: Golden,
    private readonly faults: Faults,
  ) {}

  static async start(
    faults: Faults = {},
    golden = GOLDEN,
  ): Promise<MadeUpModelServer> {
    const http = createServer();
    const made = new MadeUpModelServer(http, golden, faults);
    http.on("request", (request, response) => {
      let text = "";
      made.atATime += 1;
      made.mostAtATime = Math.max(made.mostAtATime, made.atATime);
      request.on("data", (chunk: Buffer) => (text += chunk.toString()));
      request.on("end", () => {
        const { authorization } = request.headers;
        const path = request.url ?? "";
        const body = text === "" ? undefined : JSON.parse(text);
        made.received.push({ path, body, authorization });
        // Later, so that requests that are made together are here together.
        setTimeout(() => {
          const { status, body: answer } = made.answer(path, body);
          made.atATime -= 1;
          response.writeHead(status).end(answer);
        }, 20);
      });
    });
    await new Promise<void>((ready) => http.listen(0, "127.0.0.1", ready));
    return made;
  }

  get url(): string {
    return `http://127.0.0.1:${(this.server.address() as AddressInfo).port}`;
  }

  async close(): Promise<void> {
    this.server.closeAllConnections();
    await new Promise((closed) => this.server.close(closed));
  }

  // eslint-disable-next-line @typescript-eslint/no-explicit-any
  private answer(path: string, body: any): { status: number; body: string } {
    const { before, instead, lineage, maxModelLen = 2048 } = this.faults;
    if (before && this.received.length <= before.times) {
      return { status: before.status, body: "busy" };
    }
    const other = instead?.[path];
    if (other) return other;
    const ok = (value: unknown) => ({
      status: 200,
      body: JSON.stringify(value),
    });
    switch (path) {
      case "/v1/models":
        return ok({ data: [{ id: "m", max_model_len: maxModelLen }] });
      case "/lineage": {
        if (typeof lineage === "number") return { status: lineage, body: "{}" };
        const asked = this.received.filter((one) => one.path === path).length;
        return ok(
          typeof lineage === "function"
            ? lineage(asked - 1)
            : (lineage ?? {
                run_id: "0123456789ab",
                prompt: this.golden.template,
              }),
        );
      }
      case "/v1/completions":
        return ok({ choices: [this.completion(body)] });
      case "/v1/chat/completions": {
        const [{ content }] = body.messages;
        const ids = this.ids(content);
        const { chatTokens = (same: number[]) => same } = this.faults;
        return ok({ prompt_token_ids: chatTokens(ids) });
      }
      default:
        return { status: 404, body: '{"detail":"Not Found"}' };
    }
  }

  // eslint-disable-next-line @typescript-eslint/no-explicit-any
  private completion({ prompt, max_tokens, prompt_logprobs }: any): object {
    const { tokens = (same: number[]) => same, text } = this.faults;
    if (typeof prompt === "string") {
      const one = this.golden.prompts.find((row) => row.prompt === prompt)!;
      if (max_tokens !== one.token_ids.length) throw new Error("too many");
      return {
        text: text ?? one.text,
        prompt_token_ids: tokens(this.ids(prompt)),
      };
    }
    const one = this.golden.prompts.find((row) =>
      prompt
        .slice(-row.token_ids.length)
        .every((id: number, place: number) => id === row.token_ids[place]),
    )!;
    const { worse = () => 0, shift = 0 } = this.faults;
    const answer = one.token_ids.map((token, place) => {
      const below = worse(place, this.atATime);
      const logprob = one.logprobs[place]! - shift - below;
      const own = { [token]: { logprob, decoded_token: `t${token}` } };
      return below > 0
        ? { ...own, 99: { logprob: logprob + below, decoded_token: "other" } }
        : own;
    });
    const positions = prompt_logprobs
      ? [null, ...Array(prompt.length - answer.length - 1).fill({}), ...answer]
      : undefined;
    return { text: "x", prompt_logprobs: positions };
  }

  private ids(prompt: string): number[] {
    const one = this.golden.prompts.find((row) => row.prompt === prompt)!;
    return one.prompt_token_ids;
  }
}
