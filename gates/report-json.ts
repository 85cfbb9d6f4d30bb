import type { ApplySummary } from "./apply-summary/apply-summary";
import { isBlocked, type Verdict } from "./verdict";

/** A verdict for other programs. */
export function reportJson(verdict: Verdict, summary: ApplySummary): string {
  const { findings, waived, entries } = verdict;
  return JSON.stringify(
    {
      format: 1,
      blocked: isBlocked(verdict),
      findings: findings.map((finding) => {
        const waiver = entries.get(finding);
        return waiver === undefined ? finding : { ...finding, waiver };
      }),
      waived,
      summary,
    },
    null,
    2,
  );
}
