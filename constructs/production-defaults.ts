import { isProduction } from "../gates/profile";

type Json = Record<string, unknown>;

/** About what one L4 costs that serves all month. */
const MONTHLY_BUDGET = { amount: 1000 };

/**
 * Fills in what is another default in production, an environment that is called
 * so: there the plan gate demands a budget and protection from deletion.
 *
 * @param context - raw settings; what they say themselves stays
 */
export function withProductionDefaults(context: Json): Json {
  const { environments } = context;
  if (!isObject(environments)) return context;
  return {
    ...context,
    environments: mapValues(environments, (environment, name) =>
      isProduction(name) ? production(environment) : environment,
    ),
  };
}

function production(environment: Json): Json {
  const { token = {}, models } = environment;
  return {
    ...environment,
    budget: environment.budget ?? MONTHLY_BUDGET,
    token: isObject(token) ? { deletionProtection: true, ...token } : token,
    ...(isObject(models)
      ? {
          models: mapValues(models, (model) => {
            const { serving = {} } = model;
            return {
              ...model,
              serving: isObject(serving)
                ? { deletionProtection: true, ...serving }
                : serving,
            };
          }),
        }
      : {}),
  };
}

/** What is no object is left for the schema to refuse. */
function mapValues(
  all: Json,
  change: (value: Json, key: string) => unknown,
): Json {
  return Object.fromEntries(
    Object.entries(all).map(([key, value]) => [
      key,
      isObject(value) ? change(value, key) : value,
    ]),
  );
}

function isObject(value: unknown): value is Json {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
