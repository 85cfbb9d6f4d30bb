// Keeps one comment on a pull request with what the gate said: node comment.mjs gate.md
import { existsSync, readFileSync } from "node:fs";
import { all, github, ours, runUrl } from "./github.mjs";

const LONGEST = 65_536;

const { PULL_REQUEST, TUNESERVE_ENVIRONMENT } = process.env;
const [, , file] = process.argv;
const marker = `<!-- tuneserve gate: ${TUNESERVE_ENVIRONMENT} -->\n`;
const end = `\n[The whole log](${runUrl()}). This plan was for reading: main makes its own.\n`;

const said = existsSync(file) ? readFileSync(file, "utf8").trim() : "";
const report =
  said === ""
    ? "## Plan gate: no plan\n\nThe plan failed, or could not be judged."
    : said;
const room = LONGEST - marker.length - end.length - 50;
const body =
  report.length > room ? `${report.slice(0, room)}\n\n(cut off here)` : report;

const comment = { body: `${marker}${body}\n${end}` };
const before = ours(
  await all(`issues/${PULL_REQUEST}/comments?sort=created`),
  marker,
);
if (before) {
  await github("PATCH", `issues/comments/${before.id}`, comment);
} else {
  await github("POST", `issues/${PULL_REQUEST}/comments`, comment);
}
