import { setTimeout as sleep } from "node:timers/promises";
import { z } from "zod";
import { isLocal } from "../commands/ask/service-call";
import { type Http, http as httpClient } from "../commands/http";
import { compareAnswers } from "./compare-answers";
import { fetchGolden } from "./golden-answers";
import { identityToken, principalOf } from "./identity-token";
import { pollSeconds, readInputs, text, wholeNumber } from "./inputs";
import { figures } from "./parity";
import { parityFailure, type ParityFailure } from "./parity-failure";
import { runProvisioner, type Session } from "./provisioner";
import { PublishedRuns } from "./published-runs";
import { Refused, ServedModel, ServerError } from "./served-model";
import { Unchecked } from "./unchecked";

const yesOrNo = z.enum(["yes", "no"], "yes or no");
const INPUTS = {
  PROJECT_ID: text,
  REGION: text,
  SERVICE_NAME: text,
  URL: text,
  BUCKET_NAME: text,
  MODEL: text,
  RUN_ID: text,
  /** Principal that the stack lets call the service for this check. */
  INVOKER: z.string().default(""),
  /** Whether this apply may only just have granted that to somebody. */
  GRANTED: yesOrNo,
  /** Whether the image is tuneserve's own. */
  OWN_IMAGE: yesOrNo,
  /** Whether answers that cannot be checked fail the apply. */
  REQUIRED: yesOrNo,
  CONCURRENCY: wholeNumber,
  LIMIT_SECONDS: wholeNumber,
  POLL_SECONDS: pollSeconds,
};
type Inputs = ReturnType<typeof readInputs<typeof INPUTS>>;

/** Seconds that a new grant may take to get around. */
const GRANT_SECONDS = 180;

/**
 * Asks the service what the trainer has stored golden answers for, and fails
 * when it is not the scored model that answers.
 *
 * @throws one line: in what it differs, what answers now, and what to do.
 */
export async function checkAnswers(
  session: Session,
  http: Http = httpClient(),
): Promise<void> {
  const inputs = readInputs(session.env, INPUTS);
  try {
    await check(session, inputs, http);
  } catch (error) {
    if (!(error instanceof Unchecked)) throw error;
    const reason = `the answers of ${inputs.SERVICE_NAME} were not checked: ${error.message}`;
    if (inputs.REQUIRED === "yes") {
      throw new Error(`${reason}. serving.check.required is true`);
    }
    session.progress.line(`warning: ${reason}`);
  }
}

async function check(
  session: Session,
  inputs: Inputs,
  http: Http,
): Promise<void> {
  const { progress, env } = session;
  const { MODEL, RUN_ID, BUCKET_NAME, URL: url, INVOKER } = inputs;
  const golden = await fetchGolden(session, BUCKET_NAME, `${MODEL}/${RUN_ID}`);
  const signer = /^serviceAccount:(.+)$/.exec(INVOKER)?.[1];
  const token = await identityToken(new URL(url).origin, env, {
    transporterOptions: { timeout: 60_000 },
    ...(signer === undefined ? {} : { signer }),
  }).catch((error: Error) => {
    // On this machine there may be nobody who asks for one.
    if (isLocal(url)) return null;
    throw new Unchecked(error.message);
  });
  const server = new ServedModel({
    url,
    token,
    http,
    limitSeconds: inputs.LIMIT_SECONDS,
    grantSeconds: inputs.GRANTED === "yes" ? GRANT_SECONDS : 0,
    firstDelaySeconds: Math.min(inputs.POLL_SECONDS, 1),
    say: (state) => progress.state(state),
  });
  const comparison = await compareAnswers(server, golden, {
    concurrency: inputs.CONCURRENCY,
    runId: RUN_ID,
    say: (state) => progress.state(state),
    changeSeconds: 12 * inputs.POLL_SECONDS,
    wait: (seconds) => sleep(seconds * 1000),
  }).catch((error: Error) => {
    throw explained(error, inputs, token);
  });
  const failure = parityFailure(comparison, golden, RUN_ID);
  if (failure) {
    failure.examples.forEach((example) => progress.line(example));
    throw await failed(session, inputs, failure);
  }
  const { answers, parities, tooLong } = comparison;
  const same = answers.filter((a) => a.text.trim() === a.golden.text.trim());
  progress.line(
    `${inputs.SERVICE_NAME} is the model that was scored: of ${parities[0]?.tokens} tokens in ${answers.length} golden answers, ${parities.map(figures).join("; ")}. ${same.length} of ${answers.length} answers are the same text${tooLong > 0 ? `; ${tooLong} prompts are too long for serving.maxModelLen` : ""}`,
  );
}

/** What to do about a service that did not let itself be asked. */
function explained(error: Error, inputs: Inputs, token: string | null): Error {
  const { SERVICE_NAME, REGION, PROJECT_ID, OWN_IMAGE } = inputs;
  if (error instanceof ServerError) {
    return OWN_IMAGE === "no"
      ? new Unchecked(error.message)
      : new Error(
          `${SERVICE_NAME} cannot answer the check: ${error.message}. What to do: read its log (gcloud run services logs read ${SERVICE_NAME} --region ${REGION} --project ${PROJECT_ID}), change what is wrong and deploy again`,
        );
  }
  if (!(error instanceof Refused)) return error;
  const who = (token && principalOf(token)) ?? "user:YOU@EXAMPLE.COM";
  const why =
    error.status === 401
      ? `it does not accept the identity token of ${who} (401; with a person's login try GOOGLE_ID_TOKEN=$(gcloud auth print-identity-token)). If it is accepted, ${who} also needs`
      : `${who} lacks`;
  return new Unchecked(
    `${why} roles/run.invoker on ${SERVICE_NAME}. Set serving.check.invoker to "${who}" and deploy again, or: gcloud run services add-iam-policy-binding ${SERVICE_NAME} --region ${REGION} --project ${PROJECT_ID} --member ${who} --role roles/run.invoker`,
  );
}

async function failed(
  session: Session,
  { SERVICE_NAME, BUCKET_NAME, MODEL, RUN_ID }: Inputs,
  { kind, what, remedy }: ParityFailure,
): Promise<Error> {
  // Only for a better message.
  const runs = await new PublishedRuns(session, BUCKET_NAME, MODEL)
    .ids()
    .catch((): string[] => []);
  const others = runs.filter((id) => id !== RUN_ID);
  const back =
    others.length === 0
      ? "deploy the settings of before"
      : `deploy the settings of before, or with "pin" set to another published run (${others.slice(0, 3).join(", ")})`;
  return new Error(
    `${kind}: ${SERVICE_NAME} ${what}. What to do: ${remedy}. Its newest revision has the traffic and goes on answering; to go back, ${back}. The next deploy checks again`,
  );
}

if (require.main === module) runProvisioner(checkAnswers);
