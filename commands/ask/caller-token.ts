import { identityToken } from "./identity-token";
import { isLocal, serviceCall, type ServiceCallOptions } from "./service-call";

export interface CallerTokenProps extends Omit<ServiceCallOptions, "token"> {
  readonly env: NodeJS.ProcessEnv;

  /** What a server on this machine is asked for, to see whether it wants one. */
  readonly path: string;
}

/** Where an identity token would come from without a person's login. */
const SOURCES = [
  "GOOGLE_ID_TOKEN",
  "GOOGLE_CREDENTIALS",
  "GOOGLE_APPLICATION_CREDENTIALS",
];

/**
 * The identity token to send with a request. A server on this machine gets one
 * only if it refuses to answer without, as a service of the local cloud does.
 *
 * @returns null for none
 * @throws CommandError that says how to get one, where one is needed
 */
export async function callerToken(
  props: CallerTokenProps,
): Promise<string | null> {
  const { url, env, path, ...options } = props;
  const { origin } = new URL(url);
  if (isLocal(url)) {
    if (!SOURCES.some((name) => env[name])) return null;
    const call = serviceCall({ ...options, url, token: null });
    const { status } = await call(path);
    if (status !== 401 && status !== 403) return null;
  }
  return identityToken(origin, env);
}
