/** What was given is no plan that can be judged: never a pass. */
export class UnreadablePlan extends Error {
  public override readonly name = "UnreadablePlan";
}
