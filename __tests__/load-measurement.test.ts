import { runInNewContext } from "node:vm";
import { setFlagsFromString } from "node:v8";
import { arrivalTimes } from "../commands/load/arrivals";
import { builtInQuestions } from "../commands/load/built-in-questions";
import { InFlight } from "../commands/load/in-flight";
import { Latencies } from "../commands/load/latencies";
import { Measurement } from "../commands/load/measurement";
import { RequestFailure } from "../commands/load/request-failure";

describe("latencies", () => {
  test("have the percentiles of what was recorded", () => {
    const latencies = new Latencies();
    // 1 ms to 10 s, evenly, in an order that says nothing.
    for (let i = 0; i < 10_000; i += 1) {
      latencies.record(((i * 7919) % 10_000) + 1);
    }
    const { count, mean, p50, p95, p99, most } = latencies.figures()!;

    expect(count).toBe(10_000);
    for (const [found, expected] of [
      [mean, 5.0005],
      [p50, 5],
      [p95, 9.5],
      [p99, 9.9],
      [most, 10],
    ] as const) {
      expect(Math.abs(found / expected - 1)).toBeLessThan(0.001);
    }
  });

  test("have the 99th percentile of a long tail, which a mean would hide", () => {
    const latencies = new Latencies();
    for (let i = 0; i < 980; i += 1) latencies.record(10);
    for (let i = 0; i < 20; i += 1) latencies.record(60_000);
    const { p50, p95, p99 } = latencies.figures()!;

    expect(p50).toBeCloseTo(0.01, 4);
    expect(p95).toBeCloseTo(0.01, 4);
    expect(Math.abs(p99 / 60 - 1)).toBeLessThan(0.001);
    expect(p99).toBeLessThanOrEqual(latencies.figures()!.most);
  });

  test("have no figures where there are none", () => {
    expect(new Latencies().figures()).toBeUndefined();
  });
});

describe("arrivals", () => {
  const gaps = (kind: "poisson" | "fixed", count: number) => {
    // A generator of known numbers, evenly spread.
    let state = 1;
    const random = () => (state = (state * 48_271) % 2_147_483_647) / 2 ** 31;
    const times = arrivalTimes(kind, 20, random);
    const all = Array.from({ length: count }, () => times.next().value);
    return all.slice(1).map((time, index) => time - all[index]!);
  };

  test("come evenly", () => {
    for (const gap of gaps("fixed", 50)) expect(gap).toBeCloseTo(0.05, 9);
  });

  test("come at random with exponential gaps of the rate", () => {
    const all = gaps("poisson", 20_000);
    const mean = all.reduce((sum, gap) => sum + gap, 0) / all.length;
    const longer = all.filter((gap) => gap > 0.1).length / all.length;

    expect(mean).toBeCloseTo(0.05, 2);
    // Twice the mean is exceeded by e^-2 of all gaps.
    expect(longer).toBeCloseTo(Math.exp(-2), 2);
  });
});

test("requests in flight count for as long as they are, also while nothing changes", () => {
  const inFlight = new InFlight(2, 1000, 100, 10);
  inFlight.changed(6, 1100);
  inFlight.changed(0, 1600);
  inFlight.changed(0, 2000);

  // 2 for a tenth of the time, 6 for half of it.
  expect(inFlight.mean).toBeCloseTo(3.2);
  expect(inFlight.most).toBe(6);
  expect(inFlight.mostByPart).toEqual([2, 6, 6, 6, 6, 6, 6, 0, 0, 0]);
});

describe("a measurement", () => {
  const begin = performance.now() - 1000;
  const measurement = () =>
    new Measurement({ begin, seconds: 10, rate: 5, places: 4, inFlight: 0 });
  const answer = (intended: number, first: number, ended: number) => ({
    intendedAt: begin + intended,
    sentAt: begin + intended + 1,
    others: 0,
    result: {
      firstTokenAt: begin + first,
      endedAt: begin + ended,
      tokens: 10,
      promptTokens: 40,
    },
  });

  test("counts latency from the intended start, not from when it was sent", () => {
    const one = measurement();
    one.record({ ...answer(100, 700, 1100), sentAt: begin + 600 });

    expect(one.firstToken.figures()!.p50).toBeCloseTo(0.6, 2);
    expect(one.total.figures()!.p50).toBeCloseTo(1, 2);
    expect(one.lateness.figures()!.most).toBeCloseTo(0.5, 2);
  });

  test("counts the throughput of its time, and the latency of its arrivals", () => {
    const one = measurement();
    one.record(answer(-500, 100, 200));
    one.record(answer(100, 200, 300));
    one.record(answer(9900, 9950, 10_500));

    expect(one.answersInTime).toBe(2);
    expect(one.tokensInTime).toBe(20);
    expect(one.arrived).toBe(2);
    expect(one.total.count).toBe(2);
  });

  test("tells those apart that found all places taken", () => {
    const one = measurement();
    one.record({ ...answer(0, 100, 200), others: 3 });
    one.record({ ...answer(0, 900, 950), others: 4 });

    expect(one.queued.figures()!.p50).toBeCloseTo(0.9, 2);
    expect(one.notQueued.figures()!.p50).toBeCloseTo(0.1, 2);
  });

  test("counts failures by kind, with one example each", () => {
    const one = measurement();
    for (const text of ["one", "two", "three"]) {
      const result = new RequestFailure("HTTP 429", text);
      one.record({ ...answer(0, 0, 0), result });
    }
    one.record({
      ...answer(0, 0, 0),
      result: new RequestFailure("timeout", ""),
    });
    one.record({ ...answer(0, 0, 0), result: "cut off" });

    expect(one.failures.byKind).toEqual([
      { kind: "HTTP 429", count: 3, example: "one" },
      { kind: "timeout", count: 1, example: "" },
    ]);
    expect({ arrived: one.arrived, cutOff: one.cutOff }).toEqual({
      arrived: 5,
      cutOff: 1,
    });
  });

  test("takes no more memory for more requests", () => {
    setFlagsFromString("--expose-gc");
    const collect = runInNewContext("gc") as () => void;
    const one = measurement();
    const fill = () => {
      for (let i = 0; i < 100_000; i += 1) {
        one.record(answer(i % 10_000, (i % 10_000) + 5, (i % 10_000) + i));
      }
      collect();
      return (
        process.memoryUsage().heapUsed + process.memoryUsage().arrayBuffers
      );
    };
    const once = fill();
    const again = fill();

    expect(one.arrived).toBe(200_000);
    expect(again - once).toBeLessThan(1e6);
  });
});

test("built-in questions are all different for as long as a load test lasts", () => {
  const questions = builtInQuestions();
  const asked = Array.from({ length: 5000 }, () => {
    const { question, context } = questions.next().value;
    expect(question).not.toMatch(/[{}]|undefined/);
    return `${question} ${context}`;
  });
  expect(new Set(asked).size).toBe(asked.length);
});
