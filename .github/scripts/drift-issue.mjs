// Opens, renews or closes the one issue about drift: node drift-issue.mjs drift.md
import { readFileSync } from "node:fs";
import { all, github, ours, runUrl } from "./github.mjs";

const { TUNESERVE_ENVIRONMENT } = process.env;
const marker = `<!-- tuneserve drift: ${TUNESERVE_ENVIRONMENT} -->\n`;

const drift = readFileSync(process.argv[2], "utf8").trim();
const body = `${marker}Changed outside of Terraform since the last apply, as of the last look:

${drift.slice(0, 60_000)}

The values are in [the log](${runUrl()}). Undo the change, or put it into the settings; an apply undoes it too. This issue
closes by itself once nothing differs any more.
`;

const open = ours(
  await all("issues?state=open&creator=app/github-actions"),
  marker,
);
if (drift === "") {
  if (open) {
    await github("PATCH", `issues/${open.number}`, { state: "closed" });
  }
} else if (open) {
  await github("PATCH", `issues/${open.number}`, { body });
} else {
  await github("POST", "issues", {
    title: `${TUNESERVE_ENVIRONMENT} differs from its stack`,
    body,
  });
}
