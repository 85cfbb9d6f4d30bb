import { spawnSync } from "node:child_process";
import { readFileSync } from "node:fs";
import { join, resolve } from "node:path";
import { CommandError } from "../commands/command-line";
import { bytecodeFolder } from "../commands/python-environment";

/** A held-out row of the sample data. */
export interface Question {
  readonly question: string;
  readonly context: string;
  /** The expected SQL. */
  readonly answer: string;
  /** Whether training rows had this way of asking. The tables are always new. */
  readonly phrasing: "seen" | "new";
}

/** Answers by who gave them, one for each question. */
export type Answers = Readonly<Record<string, readonly string[]>>;

/** Who is asked. */
export interface AskedServer {
  readonly url: string;

  /** An identity token, where the server asks for one. */
  readonly token: string | null;
}

/** How many questions are asked at the same time. */
const AT_ONCE = 8;

/** The questions of `held-out.jsonl` in a folder that sample_data.py has filled. */
export function readQuestions(folder: string): Question[] {
  return readFileSync(join(folder, "held-out.jsonl"), "utf8")
    .trimEnd()
    .split("\n")
    .map((line) => JSON.parse(line));
}

/**
 * Asks a server's POST /generate all questions, several at a time.
 *
 * @param answered - told how many answers have come, after each
 */
export async function askAll(
  server: AskedServer,
  questions: readonly Question[],
  answered: (count: number) => void,
): Promise<string[]> {
  const answers: string[] = [];
  let next = 0;
  let count = 0;
  const askNext = async () => {
    while (next < questions.length) {
      const number = next++;
      answers[number] = await ask(server, questions[number]!);
      answered(++count);
    }
  };
  await Promise.all(Array.from({ length: AT_ONCE }, askNext));
  return answers;
}

async function ask(
  { url, token }: AskedServer,
  question: Question,
): Promise<string> {
  const response = await fetch(`${url}/generate`, {
    method: "POST",
    headers: {
      "content-type": "application/json",
      ...(token === null ? {} : { authorization: `Bearer ${token}` }),
    },
    body: JSON.stringify({
      question: question.question,
      context: question.context,
      max_tokens: 96,
    }),
  });
  const body = await response.text();
  if (!response.ok) {
    throw new CommandError(
      `POST /generate answered ${response.status}: ${body.slice(0, 300)}`,
    );
  }
  const { predictions } = JSON.parse(body) as {
    readonly predictions: string[];
  };
  return predictions[0]!.trim();
}

/** Which answers are right, in the order of the questions: executed in SQLite by score.py. */
export function score(
  python: string,
  questions: readonly Question[],
  answers: Answers,
): Record<string, boolean>[] {
  const rows = questions.map(({ context, answer }, number) => ({
    context,
    answer,
    given: Object.fromEntries(
      Object.entries(answers).map(([name, given]) => [name, given[number]]),
    ),
  }));
  const { status, stdout, stderr } = spawnSync(
    python,
    [join(__dirname, "score.py")],
    {
      input: JSON.stringify(rows),
      encoding: "utf8",
      env: {
        PYTHONPATH: resolve(__dirname, "../trainer"),
        PYTHONPYCACHEPREFIX: bytecodeFolder(),
      },
    },
  );
  if (status !== 0) {
    throw new CommandError(
      `The answers could not be scored:\n${stderr.trim()}`,
    );
  }
  return JSON.parse(stdout);
}
