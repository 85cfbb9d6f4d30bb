import type { IncomingMessage } from "node:http";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { ApiError } from "../api-error";
import { RawAnswer } from "../call";
import type { CloudServer } from "../server";
import { pageData } from "./page-data";

const FILES: Readonly<Record<string, { file: string; type: string }>> = {
  "/": { file: "page.html", type: "text/html" },
  "/page/page.css": { file: "page.css", type: "text/css" },
  "/page/in-browser.js": { file: "in-browser.js", type: "text/javascript" },
};

/** Nothing from elsewhere, and nothing that a log line could smuggle in. */
const HEADERS = {
  "cache-control": "no-store",
  "content-security-policy":
    "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; img-src data:; base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
  "x-content-type-options": "nosniff",
};

/**
 * The page that shows what is in the cloud and what happens there.
 *
 * @returns undefined for a request of anything else
 */
export function page(
  server: CloudServer,
  request: IncomingMessage,
  url: URL,
): RawAnswer | undefined {
  const found = FILES[url.pathname];
  const isData = url.pathname === "/page/data";
  if (request.method !== "GET" || (found === undefined && !isData)) {
    return undefined;
  }
  requireLoopback(request.headers.host ?? "");
  return found === undefined
    ? answer("application/json", JSON.stringify(pageData(server)))
    : answer(found.type, readFileSync(join(__dirname, found.file)));
}

function answer(type: string, content: string | Buffer): RawAnswer {
  return new RawAnswer(
    200,
    { ...HEADERS, "content-type": `${type}; charset=utf-8` },
    Buffer.from(content),
  );
}

/** Another site whose name leads to 127.0.0.1 must not read along: the page asks for no token. */
function requireLoopback(host: string): void {
  if (!/^(127\.0\.0\.1|localhost)(:\d+)?$/.test(host)) {
    throw new ApiError(
      403,
      `The page is shown at 127.0.0.1 and localhost only, not at ${host}.`,
    );
  }
}
