import {
  Annotations,
  type IAspect,
  TerraformResource,
  TerraformStack,
} from "cdktf";
import type { IConstruct } from "constructs";
import { judge } from "../gates/judge";
import { ENVIRONMENT_LABEL, GPU_LIMIT, isProduction } from "../gates/profile";
import { printableJson } from "../gates/printable";
import { readSynth } from "../gates/read-synth";
import { SYNTH_RULES } from "../gates/synth-rules";
import { verdict } from "../gates/verdict";
import type { Waiver } from "../gates/waiver";

/**
 * Stops `cdktf synth`, `diff` and `deploy` on what the synthesized JSON is enough
 * to refuse: `cdktf deploy` asks no plan gate. What is changed after the
 * synthesis, and what only a plan knows, is the plan gate's.
 *
 * @see https://developer.hashicorp.com/terraform/cdktf/concepts/aspects
 */
export class SynthGate implements IAspect {
  /**
   * @param waivers - what was agreed; each holds for a rule, an address and a value
   * @param today - the day on which they have to hold
   */
  public constructor(
    private readonly waivers: readonly Waiver[],
    private readonly today: Date = new Date(),
  ) {}

  public visit(node: IConstruct): void {
    if (!TerraformStack.isStack(node)) return;
    const environment = node.node.id;
    const plan = readSynth(node.toTerraform());
    const found = judge(
      plan,
      { production: isProduction(environment), gpuLimit: GPU_LIMIT },
      SYNTH_RULES,
    ).filter(({ level }) => level === "block");
    const { findings, entries } = verdict(
      plan,
      found,
      this.waivers,
      this.today,
      [environment],
    );
    const label = plan.labels[ENVIRONMENT_LABEL];
    if (isProduction(environment) && !isProduction(label ?? environment)) {
      Annotations.of(node).addError(
        `labels.${ENVIRONMENT_LABEL} is '${label}', and the plan gate would not take '${environment}' for production: leave it out, or set it to '${environment}'`,
      );
    }
    if (findings.length === 0) return;
    const constructs = constructsByAddress(node);
    for (const finding of findings) {
      const { rule, address, attribute, message, why, change } = finding;
      const waiver = entries.get(finding);
      Annotations.of(constructs.get(address) ?? node).addError(
        [
          `${rule} ${address}: ${message}${attribute === undefined ? "" : ` (${attribute})`}`,
          `${why} To change: ${change}.`,
          ...(waiver === undefined
            ? []
            : [
                `Or, with a reason, in gates/waivers.json: ${printableJson(waiver)}`,
              ]),
        ].join("\n"),
      );
    }
  }
}

/** Where a message belongs in the tree. */
function constructsByAddress(stack: TerraformStack): Map<string, IConstruct> {
  const all = stack.node
    .findAll()
    .filter((node): node is TerraformResource =>
      TerraformResource.isTerraformResource(node),
    );
  return new Map(
    all.map((resource) => [
      `${resource.terraformResourceType}.${resource.friendlyUniqueId}`,
      resource,
    ]),
  );
}

/**
 * What was refused, from the error that cdktf makes of annotations; undefined
 * for any other error. Its advice to ignore them is left out.
 */
export function refusals(error: unknown): string | undefined {
  const [head = "", ...rest] = String((error as Error).message).split("\n");
  return head.startsWith("Encountered Annotations with level")
    ? `the synthesized stack is refused; nothing was created\n${rest
        .join("\n")
        .replace(/\n\nEither fix the issues above[^]*$/, "")}`
    : undefined;
}
