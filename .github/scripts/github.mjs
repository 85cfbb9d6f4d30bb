// GitHub's REST API for the scripts beside this file, on Node's own modules only: jobs whose
// token may write install nothing. https://docs.github.com/en/rest
const { GITHUB_API_URL, GITHUB_REPOSITORY, GITHUB_TOKEN } = process.env;

/** A request below the repository; the answer's JSON. */
export async function github(method, path, body) {
  const response = await fetch(
    `${GITHUB_API_URL}/repos/${GITHUB_REPOSITORY}/${path}`,
    {
      method,
      headers: {
        accept: "application/vnd.github+json",
        authorization: `Bearer ${GITHUB_TOKEN}`,
        "x-github-api-version": "2022-11-28",
      },
      body: body === undefined ? undefined : JSON.stringify(body),
    },
  );
  if (!response.ok) {
    throw new Error(
      `${method} ${path}: ${response.status} ${await response.text()}`,
    );
  }
  return response.json();
}

/** All pages of a list. */
export async function all(path) {
  const found = [];
  for (let page = 1; ; page++) {
    const entries = await github("GET", `${path}&per_page=100&page=${page}`);
    found.push(...entries);
    if (entries.length < 100) return found;
  }
}

/** The one that this workflow wrote earlier: anybody can write the marker. */
export function ours(entries, marker) {
  return entries.find(
    ({ user, body }) =>
      user?.login === "github-actions[bot]" && body?.startsWith(marker),
  );
}

/** Where this run's log is. */
export function runUrl() {
  const { GITHUB_SERVER_URL, GITHUB_RUN_ID } = process.env;
  return `${GITHUB_SERVER_URL}/${GITHUB_REPOSITORY}/actions/runs/${GITHUB_RUN_ID}`;
}
