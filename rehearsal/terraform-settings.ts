import { rehearsalSettings } from "./rehearsal-settings";
import { INPUTS } from "./rehearsal-inputs";

type Context = ReturnType<typeof rehearsalSettings>;

/** The container's port: the local cloud puts a free one in its place, as in arguments. */
const PORT = 8000;

/** Seconds that the stack waits for grants: a little longer than they take here. */
const GRANTS_SECONDS = 6;

/** The changed hyperparameter: soon trained, nobody judges that model. */
const FEWER_STEPS = 10;

/** Settings of a rehearsal through Terraform, whose base and data lie in a bucket of its own. */
export function terraformSettings(seed: string): {
  readonly context: Context;
  readonly changed: Context;
  readonly pinned: (runId: string) => Context;
} {
  const settings = (change: (model: Record<string, any>) => void): Context => {
    const text = JSON.stringify(rehearsalSettings(seed, PORT)).replace(
      /gs:\/\/rehearsal-models\/(base|data)\//g,
      `gs://${INPUTS}/$1/`,
    );
    const context = JSON.parse(text);
    const { rehearsal } = context.environments;
    rehearsal.grantsSeconds = GRANTS_SECONDS;
    // The default: Terraform writes the token's secret, and the trainer reads it.
    delete rehearsal.token;
    const [model] = Object.values(rehearsal.models) as Record<string, any>[];
    change(model!);
    return context;
  };
  return {
    context: settings(() => undefined),
    changed: settings((model) => (model["training"].maxSteps = FEWER_STEPS)),
    pinned: (runId) => settings((model) => (model["pin"] = runId)),
  };
}
