import { PRICES_OF, pricePerHour } from "../../constructs/gpu-prices";
import { scoringShare } from "../../constructs/scoring-time";
import type { EnvironmentSettings } from "../../constructs/settings";
import { duration } from "../../provision/progress";
import type { Check } from "./finding";

type Model = EnvironmentSettings["models"][string];

/** What each training does and costs at most. Measures nothing. */
export const training: Check = async ({ settings }) =>
  Object.values(settings.models)
    .filter(({ pin }) => pin === undefined)
    .map((model) => ({
      status: "pass",
      what: `training of ${model.name}`,
      detail: [work(model), scoring(model), bill(model, settings.region)].join(
        "; ",
      ),
    }));

function work({ dataset, training }: Model): string {
  const { batchSize, gradientAccumulationSteps, epochs, maxSteps } = training;
  const documents = batchSize * gradientAccumulationSteps;
  const each = `of ${documents} ${documents === 1 ? "row" : "rows"}`;
  if (maxSteps !== -1) return `${maxSteps} steps ${each}`;
  return dataset.limit === -1
    ? `all rows, steps ${each}`
    : `up to ${Math.ceil((dataset.limit * epochs) / documents)} steps ${each}`;
}

function scoring({ training, promotion }: Model): string {
  const { evaluationRows, evaluationSeconds } = training;
  if (evaluationRows === 0) return "nothing is scored";
  const all = evaluationSeconds * scoringShare(promotion.mustBeat);
  return `answering ${evaluationRows} held-out rows takes at most ${duration(evaluationSeconds)}, ${duration(all)} with the models to compare with`;
}

/** The limit: a run that is done earlier costs less. */
function bill({ training }: Model, region: string): string {
  const { timeoutSeconds, retries } = training;
  const attempts = retries + 1;
  const most = `an execution is at most ${attempts} × ${duration(timeoutSeconds)}`;
  const price = pricePerHour(training, region);
  if (price === undefined) {
    return `${most}; the price of ${training.accelerator} in ${region} is not known here`;
  }
  const dollars = (price * timeoutSeconds * attempts) / 3600;
  return `${most}, $${dollars.toFixed(2)} at $${price.toFixed(2)} an hour (${PRICES_OF})`;
}
