/** A row of one of the page's tables; `mood` colours it. */
export type PageRow = Readonly<Record<string, string | number>> & {
  readonly mood?: "bad" | "busy";
};

/** Of the day, in UTC. */
export function clockTime(at: number): string {
  return Number.isNaN(at) ? "" : new Date(at).toISOString().slice(11, 23);
}
