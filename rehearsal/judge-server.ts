import { join } from "node:path";
import { withProgress } from "./progress";
import type { Preparation } from "./preparation";
import { askAll, type AskedServer, readQuestions, score } from "./questions";
import { EXAMPLES, report, TUNED, UNTRAINED } from "./report";

/**
 * Asks a server of the fine-tuned model all held-out questions, and prints what it answered beside
 * what the base did.
 *
 * @param before - the base's answers
 */
export async function judgeServer(
  { python, workspace, data }: Preparation,
  before: Readonly<Record<"same prompt" | "three examples", readonly string[]>>,
  server: AskedServer,
): Promise<void> {
  const questions = readQuestions(data);
  let count = 0;
  const tuned = await withProgress(
    "Asking it fine-tuned",
    () => ({
      share: count / questions.length,
      text: `${count} of ${questions.length} questions`,
    }),
    askAll(server, questions, (answered) => {
      count = answered;
    }),
  );
  const answers = {
    [UNTRAINED]: before["same prompt"],
    [EXAMPLES]: before["three examples"],
    [TUNED]: tuned,
  };
  const rights = score(python, questions, answers);
  console.log(
    report(questions, answers, rights, join(workspace.folder, "answers.txt")),
  );
}
