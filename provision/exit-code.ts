import { type Failure } from "./build-failure";

/**
 * Meaning of an exit code of the training container: the trainer's own, or one
 * that the log's words explain.
 *
 * @returns undefined for 0.
 */
export function exitCodeMeaning(
  code: number,
  log: readonly string[],
): Failure | undefined {
  const words = log.join("\n");
  if (code === 0) return undefined;
  if (code === 2) {
    return {
      what: "the trainer refused its settings (exit code 2)",
      remedy:
        "change what the lines above name in cdktf.json, which makes a new run",
    };
  }
  if (code === 3) {
    return {
      what: "the model is below the bar (exit code 3)",
      remedy:
        "lower promotion.minimum or change promotion.mustBeat, which judges it again without training, or change what the model is trained with, which makes a new run",
    };
  }
  if (code === 75) {
    return {
      what: "the training was interrupted and can be resumed (exit code 75)",
      remedy: "deploy again: it goes on from its checkpoints",
    };
  }
  if (/storage quota has been exceeded|quotaExceeded/i.test(words)) {
    return {
      what: `the models' bucket takes no more (exit code ${code})`,
      remedy:
        "delete what nobody needs from it or have its quota raised, and deploy again: the trainer goes on from its checkpoints",
    };
  }
  if (/CUDA out of memory|OutOfMemoryError/.test(words)) {
    return {
      what: `the GPU's memory is too small (exit code ${code})`,
      remedy:
        "lower training.maxSeqLength, set training.basePrecision to nf4, or take a bigger training.accelerator",
    };
  }
  if (
    /gated repo|GatedRepoError|401 Client Error|403 Client Error/.test(words)
  ) {
    return {
      what: `the base model's hub refused the token (exit code ${code})`,
      remedy:
        "accept the model's licence with the token's account, or write another token and raise token.version",
    };
  }
  return {
    what: `the trainer ended with exit code ${code}`,
    remedy: "the lines above say why; mend it and deploy again",
  };
}
