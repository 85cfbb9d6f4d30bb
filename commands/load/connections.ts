import { Agent as HttpAgent } from "node:http";
import { Agent as HttpsAgent } from "node:https";
import { HttpsProxyAgent } from "https-proxy-agent";
import { getProxyForUrl } from "proxy-from-env";

/** vLLM closes a connection after 5 s of silence; using it just then would fail. */
const IDLE_MS = 4000;

/** More at a time would test this machine: each takes a socket here. */
export const MOST_IN_FLIGHT = 4000;

/**
 * Connections to one server. There is one for each request in flight: a request
 * never waits here for another's answer. Those that are free are used again, as
 * clients do.
 */
export function connections(url: string): HttpAgent {
  const options = {
    keepAlive: true,
    maxSockets: Infinity,
    maxFreeSockets: MOST_IN_FLIGHT,
    timeout: IDLE_MS,
  };
  const proxy = getProxyForUrl(url);
  if (proxy !== "") {
    return new HttpsProxyAgent(proxy, options);
  }
  return url.startsWith("https:")
    ? new HttpsAgent(options)
    : new HttpAgent(options);
}
