const RUN_ID = /^[0-9a-f]{12}$/;

/**
 * Address of the adapter that a training starts from.
 *
 * @param startFrom - run id of the model, or a `gs://` address
 * @param models - address of the model's folder: `gs://BUCKET/MODEL`
 */
export function adapterAddress(startFrom: string, models: string): string {
  return RUN_ID.test(startFrom) ? `${models}/${startFrom}/adapter` : startFrom;
}

/**
 * The incumbent as trainer and provisioner are told it: `base`, or the address
 * of a published version.
 *
 * @param mustBeat - `base`, or run id of the model
 * @param models - address of the model's folder: `gs://BUCKET/MODEL`
 */
export function incumbentAddress(mustBeat: string, models: string): string {
  return RUN_ID.test(mustBeat) ? `${models}/${mustBeat}` : mustBeat;
}
