import { BUDGET_CASES } from "./budget-cases";
import { ENDLESS_CASES } from "./endless-cases";
import type { FaultCase } from "./fault-case";
import { IMAGE_AND_SERVICE_CASES } from "./image-and-service-cases";
import { PROVIDER_CASES } from "./provider-cases";
import { STATE_CASES } from "./state-cases";
import { TRAINING_CASES } from "./training-cases";

/** All of them. */
export const FAULT_CASES: readonly FaultCase[] = [
  ...PROVIDER_CASES,
  ...BUDGET_CASES,
  ...ENDLESS_CASES,
  ...STATE_CASES,
  ...IMAGE_AND_SERVICE_CASES,
  ...TRAINING_CASES,
];
