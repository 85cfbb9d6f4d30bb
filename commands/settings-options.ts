import type { Option } from "./command-line";

/** Says which part of the settings a command is about. */
export const ENVIRONMENT = {
  type: "string",
  value: "NAME",
  text: "which of several environments",
} as const satisfies Option;

export const MODEL = {
  type: "string",
  value: "NAME",
  text: "which of several models",
} as const satisfies Option;
