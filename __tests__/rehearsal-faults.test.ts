import { FAULT_KINDS, parseFault } from "../rehearsal/cloud/faults";
import {
  parsePhaseFault,
  PHASE_FAULT_KINDS,
  PHASES,
} from "../rehearsal/cloud/phase-faults";
import type { FaultCase } from "../rehearsal/faults/fault-case";
import { FAULT_CASES } from "../rehearsal/faults/fault-cases";
import { problemsOf, unnamedRecovery } from "../rehearsal/faults/problems-of";

const ALL = FAULT_CASES.flatMap(({ faults }) => faults);

describe("the table of faults", () => {
  test.each(Object.keys(FAULT_KINDS))("has a call that meets %s", (kind) => {
    expect(ALL.map((text) => parseFault(text)?.kind)).toContain(kind);
  });

  test.each(Object.keys(FAULT_KINDS).filter((kind) => kind !== "full"))(
    "has a call of the provider's that meets %s",
    (kind) => {
      const calls = FAULT_CASES.filter(({ name }) =>
        name.startsWith("provider:"),
      ).flatMap(({ faults }) => faults);

      expect(calls.map((text) => parseFault(text)?.kind)).toContain(kind);
    },
  );

  test.each(
    PHASES.flatMap((phase) =>
      [...Object.keys(PHASE_FAULT_KINDS), "exit-1"].map(
        (kind) => [phase, kind] as const,
      ),
    ),
  )("has a %s that meets %s", (phase, kind) => {
    expect(ALL.map(parsePhaseFault)).toContainEqual(
      expect.objectContaining({ phase, kind }),
    );
  });

  test("has only faults that --fault takes", () => {
    const unread = ALL.filter(
      (text) => !parsePhaseFault(text) && !parseFault(text),
    );

    expect(unread).toEqual([]);
  });

  test("says for each failure what the user must read", () => {
    const silent = FAULT_CASES.filter(
      ({ ends, prints }) => ends !== "well" && !prints?.length,
    );

    expect(silent).toEqual([]);
  });

  test("names no case twice", () => {
    const names = FAULT_CASES.map(({ name }) => name);

    expect(new Set(names).size).toBe(names.length);
  });
});

describe("a case", () => {
  const each: FaultCase = {
    name: "a",
    faults: [],
    prints: [/out of memory.*raise/],
    ends: "failed",
  };
  const SAID = "Error: out of memory\n│ What to do: raise it";

  test("is as it must be when it failed, and said what to do", () => {
    expect(problemsOf(each, 1, SAID, [])).toEqual([]);
  });

  test.each<[string, FaultCase, number, string, string]>([
    ["it ended well", each, 0, SAID, "the deploy ended with 0"],
    ["it said nothing", each, 1, "Error: 1", "did not print /out of memory"],
    ["a token is printed", each, 1, `${SAID} hf_interruptions`, "a token"],
    [
      "recover is not named",
      { ...each, ends: "to recover" },
      1,
      SAID,
      "did not name npm run recover",
    ],
    [
      "the next deploy would meet what exists",
      each,
      1,
      `${SAID}. Error 409: alreadyExists`,
      "something that exists already",
    ],
  ])("fails when %s", (_why, tried, code, output, problem) => {
    expect(problemsOf(tried, code, output, []).join()).toContain(problem);
  });

  test("fails when a fault was not met", () => {
    const fault = parseFault("run.*.jobs.run=lost")!;

    expect(problemsOf(each, 1, SAID, [fault])).toEqual([
      "a fault was not met: run.*.jobs.run=lost",
    ]);
  });

  test("fails when a deploy without npm run recover does not name it", () => {
    expect(unnamedRecovery("Error 409: it already exists")).toHaveLength(1);
    expect(unnamedRecovery("left in errored.tfstate")).toHaveLength(1);
    expect(
      unnamedRecovery("Error 409: it already exists. npm run recover first"),
    ).toEqual([]);
  });
});
