import { changeOf, deleted, replaced } from "../plan-edits";
import {
  SERVICE,
  BUCKET,
  SECRET,
  REPOSITORY,
  MODELS,
  m,
  type Mutant,
} from "./mutant";

export const deletionsMutants: readonly Mutant[] = [
  ...[
    [SERVICE, ""],
    // Its images are pinned by tags that cannot move there.
    [REPOSITORY, "", " G13"],
    [SECRET, ""],
    [BUCKET, MODELS],
    [BUCKET, "build_source"],
  ].flatMap(([type = "", part = "", more = ""]) => [
    m(`G04${more}`, `${type} ${part} is deleted`, (p) =>
      deleted(p, type, part),
    ),
    m("G04", `${type} ${part} is replaced`, (p) => replaced(p, type, part)),
    m("G04", `${type} ${part} is replaced, the new one first`, (p) => {
      replaced(p, type, part);
      changeOf(p, type, part).change.actions = ["create", "delete"];
    }),
    m(`G05${more}`, `${type} ${part} is forgotten`, (p) => {
      deleted(p, type, part);
      changeOf(p, type, part).change.actions = ["forget"];
    }),
  ]),
  m("G04", "a leftover of an interrupted replacement is deleted", (p) => {
    const entry = structuredClone(changeOf(p, SERVICE));
    entry.deposed = "00000001";
    entry.change = {
      ...entry.change,
      actions: ["delete"],
      before: entry.change.after,
      after: null,
    };
    p.resource_changes.push(entry);
  }),
  m(
    "G05",
    "a resource moves",
    (p) => (changeOf(p, SERVICE).previous_address = `${SERVICE}.old`),
  ),
  m(
    "G05",
    "a resource is imported",
    (p) => (changeOf(p, BUCKET, MODELS).change.importing = { id: "x" }),
  ),
];
