import type { ServerResponse } from "node:http";

/** What Cloud Run's own front end answers, in place of a container. */
const PAGES: Readonly<
  Record<number, { readonly title: string; readonly text: string }>
> = {
  401: {
    title: "Unauthorized",
    text: "Your client does not have permission to the requested URL <code>PATH</code>.",
  },
  403: {
    title: "Forbidden",
    text: "Your client does not have permission to get URL <code>PATH</code> from this server.",
  },
  404: {
    title: "Page not found",
    text: "The requested URL <code>PATH</code> was not found on this server.",
  },
  429: {
    title: "Rate exceeded.",
    text: "The request was aborted because there was no available instance.",
  },
  503: { title: "Service Unavailable", text: "" },
  504: { title: "upstream request timeout", text: "" },
};

/** @see https://cloud.google.com/run/docs/troubleshooting#serving */
export function frontPage(
  response: ServerResponse,
  status: 401 | 403 | 404 | 429 | 503 | 504,
  url = "/",
): void {
  const { title, text } = PAGES[status]!;
  const escaped = url.replace(
    /[<>&"]/g,
    (character) => `&#${character.charCodeAt(0)};`,
  );
  response.writeHead(status, {
    "content-type": "text/html; charset=UTF-8",
    ...(status === 401
      ? {
          "www-authenticate":
            'Bearer error="invalid_token" error_description="The access token could not be verified"',
        }
      : {}),
  });
  response.end(
    `
<html><head>
<meta http-equiv="content-type" content="text/html;charset=utf-8">
<title>${status} ${title}</title>
</head>
<body text=#000000 bgcolor=#ffffff>
<h1>Error: ${title}</h1>
<h2>${text.replace("PATH", escaped)}</h2>
<h2></h2>
</body></html>
`,
  );
}
