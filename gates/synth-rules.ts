import type { Rule } from "./rule";
import { publicInvoker } from "./rules/g01-public-invoker";
import { invokerCheckOff } from "./rules/g02-invoker-check-off";
import { secretInClear } from "./rules/g14-secret-in-clear";
import { projectRoles } from "./rules/g15-project-roles";
import { accountKey } from "./rules/g16-account-key";
import { defaultAccount } from "./rules/g17-default-account";
import { provisionerCommand } from "./rules/g19-provisioner-command";

/**
 * The rules that synthesized JSON is enough for. Listed apart: every synthesis
 * loads them, and the others take as long again.
 */
export const SYNTH_RULES: readonly Rule[] = [
  publicInvoker,
  invokerCheckOff,
  secretInClear,
  projectRoles,
  accountKey,
  defaultAccount,
  provisionerCommand,
];
