import { wholePlanMutants } from "./whole-plan";
import { notKnownMutants } from "./not-known";
import { publicAccessMutants } from "./public-access";
import { deletionsMutants } from "./deletions";
import { bucketsMutants } from "./buckets";
import { gpusMutants } from "./gpus";
import { imagesMutants } from "./images";
import { secretsMutants } from "./secrets";
import { identitiesMutants } from "./identities";
import { commandsMutants } from "./commands";
import { optionsMutants } from "./options";
import type { Mutant } from "./mutant";

/** Every single edit. */
export const MUTANTS: readonly Mutant[] = [
  ...wholePlanMutants,
  ...notKnownMutants,
  ...publicAccessMutants,
  ...deletionsMutants,
  ...bucketsMutants,
  ...gpusMutants,
  ...imagesMutants,
  ...secretsMutants,
  ...identitiesMutants,
  ...commandsMutants,
  ...optionsMutants,
];
