import { readFileSync } from "node:fs";
import { join } from "node:path";
import { z } from "zod";
import { environmentSettings } from "../constructs/settings";
import { TUTORIAL_VARIABLES } from "../constructs/tutorial-variables";

const page = readFileSync(join(__dirname, "../docs/settings.md"), "utf8");

interface Schema {
  readonly properties?: Record<string, Schema>;
  readonly additionalProperties?: Schema | false;
  readonly anyOf?: readonly Schema[];
}

/** Names of all settings, the deepest part of each path. */
function names(schema: Schema): string[] {
  const nested = [
    ...(schema.anyOf ?? []),
    ...(schema.additionalProperties ? [schema.additionalProperties] : []),
  ].flatMap(names);
  const own = Object.entries(schema.properties ?? {}).flatMap(
    ([key, value]) => [key, ...names(value)],
  );
  return [...own, ...nested];
}

test("docs/settings.md names every setting", () => {
  const all = names(
    z.toJSONSchema(environmentSettings, { io: "input" }) as Schema,
  );

  expect(all).toEqual(
    expect.arrayContaining(["projectId", "targetModules", "startupSeconds"]),
  );
  expect(all.filter((name) => !new RegExp(`\\b${name}\\b`).test(page))).toEqual(
    [],
  );
});

test("docs/settings.md names every variable of the tutorial", () => {
  expect(
    TUTORIAL_VARIABLES.filter((name) => !page.includes(`\`${name}\``)),
  ).toEqual([]);
});
