import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { PNG } from "pngjs";
import { writeChart } from "../commands/load/chart";
import { loadResult } from "../commands/load/load-result";
import { Measurement } from "../commands/load/measurement";
import { report } from "../commands/load/report";
import { RequestFailure } from "../commands/load/request-failure";

const folder = mkdtempSync(path.join(tmpdir(), "tuneserve-chart-"));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

/** A result of 10 s at 20 requests a second, answered slower and slower. */
function result(failEvery = Infinity) {
  const begin = performance.now() - 20_000;
  const seconds = 10;
  const measurement = new Measurement({
    ...{ begin, seconds, rate: 20, places: 4, inFlight: 3 },
  });
  for (let number = 0; number < 200; number += 1) {
    const intendedAt = begin + number * 50;
    const first = 30 + number;
    measurement.record({
      ...{ intendedAt, sentAt: intendedAt, others: number % 8 },
      result:
        number % failEvery === failEvery - 1
          ? new RequestFailure("HTTP 429", "no available instance")
          : {
              firstTokenAt: intendedAt + first,
              endedAt: intendedAt + 5 * first,
              tokens: 20,
              promptTokens: 60,
            },
    });
  }
  return loadResult(
    { rate: 20, measurement },
    {
      url: "https://serve-1.us-central1.run.app",
      model: "sql",
      startSeconds: 71.3,
    },
    {
      rate: 20,
      arrivals: "poisson",
      warmUpSeconds: 5,
      durationSeconds: seconds,
      timeoutSeconds: 60,
      maxTokens: 64,
      places: 4,
    },
    false,
  );
}

/** How many pixels have which colour, as 0xRRGGBB. */
function colours(png: PNG): Map<number, number> {
  const found = new Map<number, number>();
  for (let at = 0; at < png.data.length; at += 4) {
    const colour = png.data.readUIntBE(at, 3);
    found.set(colour, (found.get(colour) ?? 0) + 1);
  }
  return found;
}

function drawn(...args: Parameters<typeof result>) {
  const file = path.join(folder, "load.png");
  writeChart(result(...args), file);
  return PNG.sync.read(readFileSync(file));
}

test("the chart shows both latencies, requests in flight and text", () => {
  const png = drawn();
  const found = colours(png);

  expect([png.width, png.height]).toEqual([2400, 1440]);
  expect(found.get(0x0f766e)).toBeGreaterThan(1000);
  expect(found.get(0x4338ca)).toBeGreaterThan(1000);
  expect(found.get(0x0f172a)).toBeGreaterThan(2000);
  expect(found.get(0xdc2626) ?? 0).toBe(0);
});

test("the chart shows errors in red", () => {
  expect(colours(drawn(7)).get(0xdc2626)).toBeGreaterThan(100);
});

test("the report tells a start from zero, the queue, and what errors mean", () => {
  const text = report(result(7));

  expect(text).toContain(
    "The service took 71.3 s to give its first answer; that is not in the figures.",
  );
  expect(text).toMatch(/queued +\d+ of 172 found all 4 places taken/);
  expect(text).toMatch(
    /28 errors: HTTP 429: no available instance\n +Cloud Run/,
  );
  expect(
    Math.max(...text.split("\n").map(({ length }) => length)),
  ).toBeLessThan(130);
});
