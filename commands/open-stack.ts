import {
  chooseStack,
  readStackJson,
  type Stack,
  type StackJson,
  synthesize,
} from "./synthesis";
import { requireTerraform } from "./terraform";

/**
 * Synthesizes, for a command that is about to run Terraform.
 *
 * @throws CommandError when Terraform is missing or too old, as well as all that
 * `synthesize` and `chooseStack` throw.
 */
export function openStack(
  root: string,
  env: NodeJS.ProcessEnv,
  environment?: string,
): { readonly stack: Stack; readonly json: StackJson } {
  requireTerraform(env);
  synthesize(root, env, environment);
  const stack = chooseStack(root, environment);
  return { stack, json: readStackJson(stack) };
}
