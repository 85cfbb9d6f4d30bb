import {
  chmodSync,
  mkdirSync,
  mkdtempSync,
  renameSync,
  rmSync,
  symlinkSync,
  utimesSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { sourceFiles, sourceHash } from "../constructs/source-hash";

let context: string;

beforeEach(() => {
  context = mkdtempSync(join(tmpdir(), "tuneserve-context-"));
  writeFileSync(join(context, "Dockerfile"), "FROM scratch\n");
  writeFileSync(
    join(context, ".dockerignore"),
    "*\n!app\n**/__pycache__\n!requirements.txt\n",
  );
  mkdirSync(join(context, "app"));
  writeFileSync(join(context, "app", "main.py"), "print(1)\n");
  writeFileSync(join(context, "requirements.txt"), "torch\n");
});

afterEach(() => rmSync(context, { recursive: true }));

test("the Dockerfile and what the allow-list lets in are the source", () => {
  mkdirSync(join(context, "app", "__pycache__"));
  writeFileSync(join(context, "app", "__pycache__", "main.pyc"), "x");
  writeFileSync(join(context, "notes.md"), "x");

  expect(sourceFiles(context).map(({ name }) => name)).toEqual([
    "Dockerfile",
    "app/main.py",
    "requirements.txt",
  ]);
});

const changes: [string, () => void][] = [
  ["a byte", () => writeFileSync(join(context, "app/main.py"), "print(2)\n")],
  [
    "a name",
    () => renameSync(join(context, "app/main.py"), join(context, "app/run.py")),
  ],
  ["an executable bit", () => chmodSync(join(context, "app/main.py"), 0o755)],
  ["a new file", () => writeFileSync(join(context, "app/new.py"), "")],
  [
    "the Dockerfile",
    () => writeFileSync(join(context, "Dockerfile"), "FROM x\n"),
  ],
  [
    "bytes that move from one file to the next",
    () => {
      writeFileSync(join(context, "app/main.py"), "print(1)");
      writeFileSync(join(context, "requirements.txt"), "\ntorch\n");
    },
  ],
];

test.each(changes)("the hash changes with %s", (_, change) => {
  const before = sourceHash(context);
  change();

  expect(sourceHash(context)).not.toBe(before);
  expect(before).toMatch(/^[0-9a-f]{16}$/);
});

test("the hash does not change with the umask, times or ignored files", () => {
  const before = sourceHash(context);
  chmodSync(join(context, "app/main.py"), 0o664);
  utimesSync(join(context, "app/main.py"), 0, 0);
  writeFileSync(join(context, "notes.md"), "x");

  expect(sourceHash(context)).toBe(before);
});

test.each(["Dockerfile", ".dockerignore"])(
  "fails when there is no %s",
  (name) => {
    rmSync(join(context, name));

    expect(() => sourceHash(context)).toThrow(`needs a ${name}`);
  },
);

test("fails when the source holds a symbolic link", () => {
  symlinkSync("/etc/hostname", join(context, "app/link"));

  expect(() => sourceHash(context)).toThrow(/app\/link' is not a plain file/);
});
