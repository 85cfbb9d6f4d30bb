import { Latencies } from "./latencies";

/** What arrived in a part of the measured time, for the chart. */
export class Interval {
  public arrived = 0;
  public failed = 0;
  public readonly firstToken = new Latencies(2);
  public readonly total = new Latencies(2);
}
