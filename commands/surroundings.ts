import type { GoogleClient } from "../provision/google-client";
import type { Http } from "./http";

/** What a command finds around itself; a test puts its own in place. */
export interface Surroundings {
  /** @default process.env */
  readonly env: NodeJS.ProcessEnv;

  /**
   * The repository's root folder. @default the working directory, as npm sets
   * it
   */
  readonly root: string;

  /** @default a client with the environment's credentials */
  readonly google: GoogleClient;

  /** For everything that is not an API of Google. @default node-fetch */
  readonly http: Http;
}
