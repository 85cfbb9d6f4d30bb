/** Where each environment variable of the tutorial goes in an environment's settings. */
const OF_ENVIRONMENT: Record<string, readonly string[]> = {
  PROJECT_ID: ["projectId"],
  REGION: ["region"],
  AR_REPO: ["repository"],
  IMAGE_NAME: ["images", "trainer"],
  BUCKET_NAME: ["bucket", "name"],
  SECRET_ID: ["token", "secret"],
  SERVICE_ACCOUNT: ["serviceAccounts", "train"],
};

/** Where each goes in a model's settings. */
const OF_MODEL: Record<string, readonly string[]> = {
  JOB_NAME: ["training", "job"],
  MODEL_NAME: ["base", "id"],
  NEW_MODEL: ["name"],
  LORA_R: ["training", "lora", "r"],
  LORA_ALPHA: ["training", "lora", "alpha"],
  TRAIN_BATCH_SIZE: ["training", "batchSize"],
  EVAL_BATCH_SIZE: ["training", "evalBatchSize"],
  GRADIENT_ACCUMULATION_STEPS: ["training", "gradientAccumulationSteps"],
  DATASET_LIMIT: ["dataset", "limit"],
  LOGGING_STEPS: ["training", "loggingSteps"],
  MAX_SEQ_LENGTH: ["training", "maxSeqLength"],
};

const NUMBERS = new Set(Object.keys(OF_MODEL).slice(3));

/** The tutorial's variables, for documentation and for clearing an environment. */
export const TUTORIAL_VARIABLES = [
  ...Object.keys(OF_ENVIRONMENT),
  ...Object.keys(OF_MODEL),
];

/** An override that was put into the settings. */
export interface Override {
  /** Such as `LORA_R`. */
  readonly variable: string;
  /** Where its value went, from the top of the settings. */
  readonly path: readonly string[];
}

/** An object as it comes from JSON. */
type Json = Record<string, unknown>;

/**
 * Puts the tutorial's variables over one environment's raw settings. An empty
 * variable counts as not set.
 *
 * @param environment - the only one; undefined where there are several
 * @returns what was overridden, and what was not because there are several
 * environments or models that it could mean
 */
export function overrideByVariables(
  context: Json,
  environment: string | undefined,
  variables: Record<string, string | undefined>,
): { context: Json; overrides: Override[]; ambiguous: string[] } {
  const result = structuredClone(context);
  const overrides: Override[] = [];
  const ambiguous: string[] = [];
  const put = (variable: string, path: readonly string[]) => {
    const value = variables[variable] ?? "";
    const last = path[path.length - 1] ?? "";
    at(result, path.slice(0, -1))[last] =
      NUMBERS.has(variable) && value.trim() !== "" && !isNaN(Number(value))
        ? Number(value)
        : value;
    overrides.push({ variable, path });
  };
  const isSet = (variable: string) => (variables[variable] ?? "") !== "";
  if (environment === undefined) {
    const set = TUTORIAL_VARIABLES.filter(isSet);
    return {
      context: result,
      overrides,
      ambiguous: several(context) ? set : [],
    };
  }
  const base = ["environments", environment];
  for (const [variable, path] of Object.entries(OF_ENVIRONMENT)) {
    if (isSet(variable)) put(variable, [...base, ...path]);
  }
  const models = Object.keys(at(result, [...base, "models"]));
  for (const [variable, path] of Object.entries(OF_MODEL)) {
    if (!isSet(variable)) continue;
    const [model, another] = models;
    if (model === undefined || another !== undefined) ambiguous.push(variable);
    else put(variable, [...base, "models", model, ...path]);
  }
  return { context: result, overrides, ambiguous };
}

function several(context: Json): boolean {
  return (
    Object.keys((context.environments as Json | undefined) ?? {}).length > 1
  );
}

/** The object at a path, made where it is missing; what is no object is kept apart. */
function at(root: Json, path: readonly string[]): Json {
  let here = root;
  for (const key of path) {
    const next = here[key];
    if (typeof next === "object" && next !== null && !Array.isArray(next)) {
      here = next as Json;
    } else if (next === undefined) {
      here = here[key] = {} as Json;
    } else {
      // The schema reports the value that stands where an object belongs.
      return {};
    }
  }
  return here;
}
