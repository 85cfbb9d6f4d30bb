import type { Answers, Question } from "./questions";

/** Columns of a comparison: the width of a terminal that nobody has widened, with a margin. */
const WIDTH = 78;
const GAP = " | ";

/** A question with the expected SQL, and two answers side by side. */
export function comparison(
  number: number,
  question: Question,
  left: {
    readonly name: string;
    readonly answer: string;
    readonly right: boolean;
  },
  right: {
    readonly name: string;
    readonly answer: string;
    readonly right: boolean;
  },
): string {
  const width = Math.floor((WIDTH - GAP.length - 2) / 2);
  const columns = [left, right].map(({ name, answer, right }) => [
    `${name}: ${right ? "right" : "WRONG"}`,
    ...wrapped(answer === "" ? "(nothing)" : answer, width),
  ]);
  const height = Math.max(...columns.map(({ length }) => length));
  const rows = Array.from({ length: height }, (_, row) =>
    columns
      .map((lines) => (lines[row] ?? "").padEnd(width))
      .join(GAP)
      .trimEnd(),
  );
  return [
    ...wrapped(`${number}. ${question.question}`, WIDTH),
    ...wrapped(`expected: ${question.answer}`, WIDTH - 2).map(
      (line) => `  ${line}`,
    ),
    ...rows.map((line) => `  ${line}`),
  ].join("\n");
}

/** Lines of at most `width` characters, broken at spaces where there are any. */
export function wrapped(text: string, width: number): string[] {
  const lines: string[] = [];
  let line = "";
  for (const word of text.split(/\s+/).filter((word) => word !== "")) {
    // A word that is too long for any line: an untrained model writes such things.
    const pieces = word.match(new RegExp(`.{1,${width}}`, "gu")) ?? [];
    for (const piece of pieces) {
      if (line !== "" && line.length + 1 + piece.length > width) {
        lines.push(line);
        line = "";
      }
      line = line === "" ? piece : `${line} ${piece}`;
    }
  }
  return line === "" ? lines : [...lines, line];
}

/** Whose answers are how often right: a line each, and the last one in its parts. */
export function scoreTable(
  questions: readonly Question[],
  answers: Answers,
  rights: readonly Readonly<Record<string, boolean>>[],
): string {
  const share = (name: string, phrasing?: Question["phrasing"]) => {
    const asked = questions.flatMap((question, number) =>
      phrasing === undefined || question.phrasing === phrasing
        ? [rights[number]![name] === true]
        : [],
    );
    const right = asked.filter((one) => one).length;
    const percent = Math.round((100 * right) / Math.max(asked.length, 1));
    return (
      `${right} of ${asked.length}`.padStart(9) + `${percent} %`.padStart(7)
    );
  };
  const names = Object.keys(answers);
  const last = names.at(-1)!;
  return [
    ...names.map((name) => `  ${name.padEnd(44)}${share(name)}`),
    `    asked as in some training row             ${share(last, "seen")}`,
    `    asked in a way that no training row has   ${share(last, "new")}`,
  ].join("\n");
}

/**
 * Numbers of the questions to show: the first, then some of both outcomes of the last one asked,
 * spread over all. What it gets wrong belongs to the picture.
 */
export function shownQuestions(
  rights: readonly boolean[],
  count: number,
): number[] {
  const wrong = rights.flatMap((right, number) => (right ? [] : [number]));
  const failed = new Set(
    spread(
      wrong.filter((number) => number > 0),
      Math.min(2, wrong.length),
    ),
  );
  const good = rights.flatMap((right, number) =>
    right && number > 0 ? [number] : [],
  );
  return [0, ...spread(good, count - 1 - failed.size), ...failed].sort(
    (a, b) => a - b,
  );
}

function spread(numbers: readonly number[], count: number): number[] {
  const wanted = Math.max(0, Math.min(count, numbers.length));
  return Array.from(
    { length: wanted },
    (_, index) =>
      numbers[Math.floor(((index + 0.5) * numbers.length) / wanted)]!,
  );
}
