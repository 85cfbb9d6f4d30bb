import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { type Marker, markerText } from "./marker";

/** In place of a Hugging Face token. */
export function tokenMarker(): Marker {
  return {
    name: "token",
    text: markerText("hf_canary"),
    permitted: [
      {
        place: /^environment of (terraform|terraform-provider-\S+)( |$)/,
        why: "Terraform and its providers",
        // Where there is no /proc, nobody sees processes.
        expected: existsSync("/proc/self/environ"),
      },
      {
        place: /^environment of the container of execution /,
        why: "the trainer",
        // Stubs start no container.
        expected: false,
      },
      {
        place: /^cloud's secretVersions$/,
        why: "Secret Manager",
        expected: true,
      },
    ],
  };
}

/** In every row of a dataset. */
export function datasetMarker(): Marker {
  return {
    name: "dataset",
    text: markerText("rowcanary"),
    permitted: [
      {
        place: /^(gs:\/\/rehearsal-inputs\/)?data\//,
        why: "the dataset itself",
        expected: true,
      },
      {
        // Beside a version, and where its training left it before it was published.
        place:
          /^gs:\/\/rehearsal-models\/(checkpoints\/)?[\w.-]+\/[0-9a-f]{12}\/(staging\/)?(evaluation\.json|golden\.json|report\.html)$/,
        why: "the held-out rows that a version was judged by",
        // Stubs judge nothing.
        expected: false,
      },
    ],
  };
}

/** Writes the marker into each row of a dataset, as a comment of its SQL. */
export function markRows(file: string, { text }: Marker): void {
  const rows = readFileSync(file, "utf8").trimEnd().split("\n");
  const marked = rows.map((row) => {
    const columns = JSON.parse(row);
    return `${JSON.stringify({ ...columns, context: `${columns.context} -- ${text}` })}\n`;
  });
  writeFileSync(file, marked.join(""));
}
