import { RULES } from "./all-rules";
import type { Finding, Level } from "./finding";
import type { Verdict } from "./verdict";

const LEVELS: Readonly<Record<Level, string>> = {
  block: "error",
  flag: "warning",
  info: "note",
};

/**
 * A verdict for code scanning. A plan has no lines, so results stand at the top
 * of the file and name the resource as a logical location.
 *
 * @param file - what was judged, relative to the repository
 * @see https://docs.oasis-open.org/sarif/sarif/v2.1.0/sarif-v2.1.0.html
 */
export function reportSarif(
  { findings, waived }: Verdict,
  file: string,
): string {
  const results = [
    ...findings.map((finding) => result(finding, file)),
    ...waived.map(({ finding, waiver }) => ({
      ...result(finding, file),
      suppressions: [{ kind: "external", justification: waiver.reason }],
    })),
  ];
  return JSON.stringify(
    {
      $schema: "https://json.schemastore.org/sarif-2.1.0.json",
      version: "2.1.0",
      runs: [
        {
          tool: {
            driver: {
              name: "tuneserve gate",
              rules: RULES.map(({ id, title, why, page }) => ({
                id,
                shortDescription: { text: title },
                fullDescription: { text: why },
                helpUri: page,
              })),
            },
          },
          results,
        },
      ],
    },
    null,
    2,
  );
}

function result(finding: Finding, file: string) {
  const { rule, level, address, attribute, message, change } = finding;
  return {
    ruleId: rule,
    ruleIndex: RULES.findIndex(({ id }) => id === rule),
    level: LEVELS[level],
    message: { text: `${address}: ${message}. To change: ${change}` },
    locations: [
      {
        physicalLocation: {
          artifactLocation: { uri: encodeURI(file.replaceAll("\\", "/")) },
          region: { startLine: 1 },
        },
        logicalLocations: [
          {
            fullyQualifiedName:
              attribute === undefined ? address : `${address}.${attribute}`,
            kind: "resource",
          },
        ],
      },
    ],
    partialFingerprints: {
      "tuneserveFinding/v1": [rule, address, attribute ?? ""].join("|"),
    },
  };
}
