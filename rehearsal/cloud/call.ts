import type { IncomingMessage } from "node:http";
import type { Cloud } from "./cloud";
import type { Json } from "./state";

/** A call of an API, checked against its discovery document. */
export interface Call {
  /** Discovery's name of the method, such as `run.projects.locations.jobs.run`. */
  readonly id: string;

  /** Variables of the path by the document's names; a project is named by its id. */
  readonly path: Readonly<Record<string, string>>;
  readonly query: URLSearchParams;

  /** The JSON without what is output only; `{}` where there is none. */
  readonly body: Json;

  /** Who calls, as IAM writes it: `user:EMAIL`, `serviceAccount:EMAIL`. */
  readonly principal: string;

  /** For what is no JSON: uploads. */
  readonly request: IncomingMessage;
}

/** An answer that is no JSON, or has headers of its own. */
export class RawAnswer {
  constructor(
    readonly status: number,
    readonly headers: Readonly<Record<string, string>>,

    /** Bytes, or a part of a file. */
    readonly content?:
      | Buffer
      | { readonly file: string; readonly start: number; readonly end: number },
  ) {}
}

/** JSON; nothing at all is 204. */
export type Answer = Json | RawAnswer | undefined;

export type Handler = (call: Call, cloud: Cloud) => Answer | Promise<Answer>;

/** What an API does, by the discovery names of its methods. */
export type Handlers = Readonly<Record<string, Handler>>;
