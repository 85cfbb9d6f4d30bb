// Lists what a refresh-only plan found changed: node drifted-resources.mjs drift.json
// Only addresses and names of arguments: the issue may be public, values are for the log.
import { readFileSync } from "node:fs";

const plan = JSON.parse(readFileSync(process.argv[2], "utf8"));
if (plan.errored !== false || !/^1\./.test(plan.format_version)) {
  throw new Error("this is no complete plan of a known format");
}
for (const { address, change } of plan.resource_drift ?? []) {
  const { actions, before, after } = change;
  const changed = Object.keys({ ...before, ...after }).filter(
    (name) => JSON.stringify(before?.[name]) !== JSON.stringify(after?.[name]),
  );
  console.log(
    actions.includes("delete")
      ? `- \`${address}\` is gone`
      : `- \`${address}\`: ${changed.map((name) => `\`${name}\``).join(", ")}`,
  );
}
