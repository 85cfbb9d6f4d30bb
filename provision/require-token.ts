import { z } from "zod";
import { readInputs, text } from "./inputs";
import { runProvisioner, type Session } from "./provisioner";

/**
 * Stops an apply that is about to write the Hugging Face token and was not
 * given one, before anything else is made. Learns only whether it is there.
 *
 * @throws what to export.
 */
export async function requireToken({ env, progress }: Session): Promise<void> {
  const { TOKEN_PRESENT, SECRET, VERSION } = readInputs(env, {
    TOKEN_PRESENT: z.enum(["yes", "no"], "yes or no"),
    SECRET: text,
    VERSION: text,
  });
  if (TOKEN_PRESENT === "no") {
    throw new Error(
      `version ${VERSION} of secret ${SECRET} is to be written, but there is no Hugging Face token: export HF_TOKEN=... and \`npm run deploy\`, or export TF_VAR_hf_token=... and \`npx cdktf deploy\` (get a token with read access at https://huggingface.co/settings/tokens, and accept the model's licence); with a secret that exists already set token.source to "existing", for a base model that needs no token to "none"`,
    );
  }
  progress.line(
    `the token for version ${VERSION} of secret ${SECRET} is given`,
  );
}

if (require.main === module) runProvisioner(requireToken);
