/** An instruction of a Dockerfile. */
export interface Instruction {
  readonly keyword: string;
  readonly value: string;

  /** Its first line in the file, from 1. */
  readonly line: number;
}

const KEYWORDS = [
  "ADD",
  "ARG",
  "CMD",
  "COPY",
  "ENTRYPOINT",
  "ENV",
  "EXPOSE",
  "FROM",
  "HEALTHCHECK",
  "LABEL",
  "ONBUILD",
  "RUN",
  "SHELL",
  "STOPSIGNAL",
  "USER",
  "VOLUME",
  "WORKDIR",
];

/** What is wrong with a Dockerfile, in BuildKit's words, and where. */
export class DockerfileError extends Error {
  constructor(
    message: string,
    readonly line: number,
  ) {
    super(message);
  }
}

/**
 * @throws DockerfileError for an instruction that there is not, or one before FROM
 * @see https://docs.docker.com/reference/dockerfile/
 */
export function readDockerfile(text: string): Instruction[] {
  const instructions: Instruction[] = [];
  const lines = text.split(/\r?\n/);
  for (let index = 0; index < lines.length; index++) {
    const line = index + 1;
    let whole = lines[index]!;
    if (/^\s*(#|$)/.test(whole)) continue;
    // A backslash at the end of a line joins it with the next; comments between are left out.
    while (/\\\s*$/.test(whole) && index + 1 < lines.length) {
      const next = lines[++index]!;
      if (!/^\s*#/.test(next)) whole = whole.replace(/\\\s*$/, " ") + next;
    }
    if (/^\s*(RUN|COPY|ADD)\s/i.test(whole)) {
      index = afterHeredocs(whole, lines, index);
    }
    const [, word = "", value = ""] = /^\s*(\S+)\s*([\s\S]*?)\s*$/.exec(whole)!;
    const keyword = word.toUpperCase();
    if (!KEYWORDS.includes(keyword)) {
      throw new DockerfileError(
        `dockerfile parse error on line ${line}: unknown instruction: ${word}`,
        line,
      );
    }
    if (value === "") {
      throw new DockerfileError(
        `dockerfile parse error on line ${line}: ${keyword} requires at least one argument`,
        line,
      );
    }
    instructions.push({ keyword, value, line });
  }
  const first = instructions.find(({ keyword }) => keyword !== "ARG");
  if (first?.keyword !== "FROM") {
    throw new DockerfileError(
      "no build stage in current context",
      first?.line ?? 1,
    );
  }
  return instructions;
}

/**
 * The lines of a RUN's heredocs belong to it, and are carried out as little as it is.
 *
 * @returns the last of them
 */
function afterHeredocs(
  instruction: string,
  lines: readonly string[],
  last: number,
): number {
  let index = last;
  for (const [, , end = ""] of instruction.matchAll(/<<-?(["']?)(\w+)\1/g)) {
    if (!/^\s*RUN\s/i.test(instruction)) {
      throw new DockerfileError(
        "this local cloud reads heredocs of RUN only",
        last + 1,
      );
    }
    do index += 1;
    while (index < lines.length && lines[index]!.trim() !== end);
    if (index === lines.length) {
      throw new DockerfileError(
        `dockerfile parse error on line ${last + 1}: unterminated heredoc`,
        last + 1,
      );
    }
  }
  return index;
}

/** Instructions of the last stage, its FROM first; earlier stages are not built. */
export function lastStage(instructions: readonly Instruction[]): Instruction[] {
  const from = instructions.map(({ keyword }) => keyword).lastIndexOf("FROM");
  return instructions.slice(from);
}

/** The JSON form of ENTRYPOINT and CMD; the shell form is run by a shell. */
export function commandOf({ value }: Instruction): string[] {
  try {
    const words: unknown = JSON.parse(value);
    if (
      Array.isArray(words) &&
      words.every((word) => typeof word === "string")
    ) {
      return words;
    }
  } catch {
    // The shell form.
  }
  return ["/bin/sh", "-c", value];
}
