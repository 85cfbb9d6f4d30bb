import type { Rule } from "./rule";
import { readablePlan } from "./rules/g00-readable-plan";
import { publicInvoker } from "./rules/g01-public-invoker";
import { invokerCheckOff } from "./rules/g02-invoker-check-off";
import { openIngress } from "./rules/g03-open-ingress";
import { deletes } from "./rules/g04-deletes";
import { leavesManagement } from "./rules/g05-leaves-management";
import { forceDestroy } from "./rules/g06-force-destroy";
import { deletionProtection } from "./rules/g07-deletion-protection";
import { openBucket } from "./rules/g08-open-bucket";
import { gpuLimit } from "./rules/g09-gpu-limit";
import { idleGpus } from "./rules/g10-idle-gpus";
import { jobRetries } from "./rules/g10b-job-retries";
import { zonalRedundancy } from "./rules/g11-zonal-redundancy";
import { noBudget } from "./rules/g12-no-budget";
import { imagePinned } from "./rules/g13-image-pinned";
import { secretInClear } from "./rules/g14-secret-in-clear";
import { projectRoles } from "./rules/g15-project-roles";
import { accountKey } from "./rules/g16-account-key";
import { defaultAccount } from "./rules/g17-default-account";
import { trainsAgain } from "./rules/g18-trains-again";
import { provisionerCommand } from "./rules/g19-provisioner-command";
import { missingLabels } from "./rules/g20-labels";
import { openEgress } from "./rules/g21-open-egress";
import { apiOff } from "./rules/g22-api-off";
import { costLimit } from "./rules/g23-cost-limit";
import { untested } from "./rules/g24-untested";

/** All rules in the order of their ids. */
export const RULES: readonly Rule[] = [
  readablePlan,
  publicInvoker,
  invokerCheckOff,
  openIngress,
  deletes,
  leavesManagement,
  forceDestroy,
  deletionProtection,
  openBucket,
  gpuLimit,
  idleGpus,
  jobRetries,
  zonalRedundancy,
  noBudget,
  imagePinned,
  secretInClear,
  projectRoles,
  accountKey,
  defaultAccount,
  trainsAgain,
  provisionerCommand,
  missingLabels,
  openEgress,
  apiOff,
  costLimit,
  untested,
];
