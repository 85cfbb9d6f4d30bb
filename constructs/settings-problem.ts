/** Where in the settings: `["environments", "dev", "models", 0]`. */
export type Path = (string | number)[];

/** Part of the settings before it is known to be right. */
export type Raw = Record<string, unknown>;

/** Adds a problem: where, what was received, what is allowed. */
export type Report = (path: Path, input: unknown, allowed: string) => void;
