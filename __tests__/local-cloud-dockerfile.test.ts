import {
  mkdirSync,
  mkdtempSync,
  readdirSync,
  rmSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { copy } from "../rehearsal/cloud/build/copy-instruction";
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

describe("a COPY in a local cloud", () => {
  let folder: string;
  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), "tuneserve-copy-"));
    mkdirSync(join(folder, "context/deep"), { recursive: true });
    for (const name of ["a.txt", "b.txt", "c.md", "deep/d.txt"]) {
      writeFileSync(join(folder, "context", name), "");
    }
    writeFileSync(join(folder, "outside"), "");
  });
  afterEach(() => rmSync(folder, { recursive: true }));

  const copied = (value: string) => {
    const rootfs = join(folder, "rootfs");
    copy(value, 2, "/app", join(folder, "context"), rootfs);
    return readdirSync(rootfs, { recursive: true, withFileTypes: true })
      .filter((entry) => entry.isFile())
      .map(({ parentPath, path, name }) =>
        join(parentPath ?? path, name).slice(rootfs.length),
      )
      .sort();
  };

  test.each<[string, string, string[]]>([
    ["a file under another name", "a.txt /etc/z", ["/etc/z"]],
    ["a file into a folder", "a.txt ./", ["/app/a.txt"]],
    ["what is in a folder", "deep here", ["/app/here/d.txt"]],
    ["all that a pattern means", "*.txt .", ["/app/a.txt", "/app/b.txt"]],
    ["a pattern among folders", "d?ep/[a-d].* x/", ["/app/x/d.txt"]],
    ["nothing of another stage", "--from=build /a /b", []],
  ])("brings %s", (_what, value, files) => {
    mkdirSync(join(folder, "rootfs"));

    expect(copied(value)).toEqual(files);
  });

  test.each<[string, string, string]>([
    ["a file is not there", "gone .", '"/gone": not found'],
    ["a pattern means nothing", "*.py .", '"/*.py": not found'],
    ["a file is outside of the context", "../outside .", "not found"],
    ["there is no destination", "a.txt", "requires at least two arguments"],
  ])("fails when %s", (_why, value, message) => {
    expect(() => copied(value)).toThrow(message);
  });
});
