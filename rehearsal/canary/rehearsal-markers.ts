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

/** In rows of a dataset: the same for a seed, since it is trained on and decides the result. */
export function datasetMarker(seed: string): Marker {
  return {
    name: "dataset",
    text: markerText("rowcanary", seed),
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

/** One row in so many is marked: few enough that the model learns as much as without. */
const MARKED_EVERY = 64;

/**
 * A dataset with the marker in its first row, its last and some between, as a comment of their SQL.
 *
 * @param from - JSON lines with a `context`
 */
export function markRows(from: string, to: string, { text }: Marker): void {
  const rows = readFileSync(from, "utf8").trimEnd().split("\n");
  const marked = rows.map((row, number) => {
    if (number % MARKED_EVERY !== 0 && number !== rows.length - 1) {
      return `${row}\n`;
    }
    const columns = JSON.parse(row);
    return `${JSON.stringify({ ...columns, context: `${columns.context} -- ${text}` })}\n`;
  });
  writeFileSync(to, marked.join(""));
}
