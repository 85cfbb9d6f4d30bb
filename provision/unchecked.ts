/**
 * The answers could not be checked: nothing is known to be wrong with them.
 * Whether an apply fails then is a setting.
 */
export class Unchecked extends Error {}
