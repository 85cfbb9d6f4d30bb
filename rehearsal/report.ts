import { writeFileSync } from "node:fs";
import { comparison, scoreTable, shownQuestions } from "./comparison";
import type { Answers, Question } from "./questions";

/** Names of those who answer, as the report calls them. */
export const UNTRAINED = "untrained, the same prompt";
export const EXAMPLES = "untrained, three examples in the prompt";
export const TUNED = "fine-tuned";

const SHOWN = 8;

/**
 * What a rehearsal prints at its end; all comparisons go to a file.
 *
 * @param rights - for each question, whose answer is right
 * @param file - takes the comparison of every question
 */
export function report(
  questions: readonly Question[],
  answers: Answers,
  rights: readonly Readonly<Record<string, boolean>>[],
  file: string,
): string {
  const comparisons = questions.map((question, number) => {
    const side = (name: string, by: string) => ({
      name,
      answer: answers[by]![number]!,
      right: rights[number]![by]!,
    });
    return comparison(
      number + 1,
      question,
      side("untrained", EXAMPLES),
      side("fine-tuned", TUNED),
    );
  });
  writeFileSync(file, `${comparisons.join("\n\n")}\n`);
  const shown = shownQuestions(
    rights.map((right) => right[TUNED]!),
    SHOWN,
  );
  return [
    "",
    `${shown.length} of ${questions.length} questions, all about tables that no training row has.`,
    "The untrained model has three examples in its prompt here.",
    "",
    ...shown.flatMap((number) => [comparisons[number]!, ""]),
    `All of them: ${file}`,
    "",
    "Right answers, judged by running the SQL in SQLite:",
    scoreTable(questions, answers, rights),
    "",
    "The data is sample data, made from templates. The score says that the flow works,",
    "and nothing about how well a real model would answer real questions.",
  ].join("\n");
}
