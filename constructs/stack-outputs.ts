import { dependable, TerraformOutput, type TerraformStack } from "cdktf";
import type { FinetunedModel } from "./finetuned-model";

/**
 * The outputs, which people and `npm run ask` read. With several models each
 * holds a map by the model's name.
 */
export function addOutputs(
  stack: TerraformStack,
  models: readonly FinetunedModel[],
): void {
  const output = (
    name: string,
    description: string,
    value: (model: FinetunedModel) => string,
  ) => {
    const [only, another] = models;
    const result = new TerraformOutput(stack, name, {
      staticId: true,
      description,
      value:
        only !== undefined && another === undefined
          ? value(only)
          : Object.fromEntries(models.map((m) => [m.modelName, value(m)])),
    });
    // The class renders the option wrongly.
    // https://github.com/hashicorp/terraform-cdk/issues/3196
    result.addOverride(
      "depends_on",
      models.map(({ service }) => dependable(service.confirmed)),
    );
  };

  output("service_url", "Where the model answers", (m) => m.service.url);
  output("model_uri", "The version that is served", (m) => m.uri);
  output("run_id", "Identity of that version", (m) => m.runId);
  output(
    "ask",
    "Asks a question",
    () =>
      'npm run ask -- "How many singers are older than 30?" --context "CREATE TABLE singer (age INTEGER)"',
  );
}
