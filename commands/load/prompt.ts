/** What one request asks, and the route that takes it. */
export type Prompt =
  | { readonly path: "/v1/completions"; readonly prompt: string }
  | {
      readonly path: "/v1/chat/completions";
      readonly messages: readonly unknown[];
    };

/** Prompts without end. */
export type Prompts = Iterator<Prompt, never>;
