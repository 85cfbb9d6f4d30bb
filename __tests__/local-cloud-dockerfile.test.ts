import { readDockerfile } from "../rehearsal/cloud/build/dockerfile";

const read = (...lines: string[]) =>
  readDockerfile(lines.join("\n")).map(({ keyword, line }) => [keyword, line]);

describe("a Dockerfile in a local cloud", () => {
  test("may have lines of a RUN in heredocs", () => {
    const lines = ["FROM a", "RUN <<ONE cat && <<-'TWO' cat"];

    expect(read(...lines, "COPY", "ONE", "MAKE it", "\tTWO", "USER b")).toEqual(
      [
        ["FROM", 1],
        ["RUN", 2],
        ["USER", 7],
      ],
    );
  });

  test("may have lines that go on, with comments between", () => {
    expect(read("FROM a", "RUN a \\", "# no", "  b", "USER c")).toEqual([
      ["FROM", 1],
      ["RUN", 2],
      ["USER", 5],
    ]);
  });

  test.each<[string, string[], string]>([
    [
      "a heredoc does not end",
      ["FROM a", "RUN <<ONE", "cat"],
      "line 2: unterminated heredoc",
    ],
    [
      "a COPY has a heredoc",
      ["FROM a", "COPY <<ONE b", "ONE"],
      "reads heredocs of RUN only",
    ],
    [
      "an instruction is not known",
      ["FROM a", "MAKE it"],
      "line 2: unknown instruction: MAKE",
    ],
    [
      "an instruction says nothing",
      ["FROM a", "USER"],
      "line 2: USER requires at least one",
    ],
    ["there is no FROM", ["RUN a"], "no build stage in current context"],
    ["it is empty", ["# nothing"], "no build stage in current context"],
  ])("fails when %s", (_why, lines, message) => {
    expect(() => read(...lines)).toThrow(message);
  });
});
