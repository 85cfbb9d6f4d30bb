/** What a kind of error means on Cloud Run, and what to do, where that is known. */
export function errorMeaning(kind: string): string | undefined {
  return MEANINGS.find(([pattern]) => pattern.test(kind))?.[1];
}

// https://docs.cloud.google.com/run/docs/troubleshooting
const MEANINGS: readonly (readonly [RegExp, string])[] = [
  [
    /^HTTP 429$/,
    "Cloud Run had no place and none came free in its time: raise maxInstances, or maxNumSeqs where the GPU has room",
  ],
  [
    /^HTTP 50[034]$/,
    "the service or Cloud Run gave up: its log tells, and requestTimeoutSeconds is the limit of one request (504)",
  ],
  [
    /^HTTP 40[13]$/,
    "the caller may not ask, or its identity token is too old: an hour at most",
  ],
  [
    /^HTTP 4(00|13|22)$/,
    "the server does not take these prompts, such as for their length",
  ],
  [
    /^timeout$/,
    "the answer came too late or never: requests arrive faster than they are answered, see in flight",
  ],
  [
    /^closed/,
    "the connection ended first: an instance that stopped or a proxy; its log tells",
  ],
  [
    /^no connection$/,
    "the address, the network, or this machine's own limits (ulimit -n)",
  ],
  [
    /^not sent$/,
    "this program's own limit: ask for less, or from several machines",
  ],
];
