import { existsSync, mkdtempSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import {
  addImport,
  dropImport,
  pruneImports,
  readImports,
} from "../commands/import-file";

const BUCKET = { to: "google_storage_bucket.models", id: "p-models" };
const SECRET = { to: "google_secret_manager_secret.token", id: "p/t" };

const stack = () => ({
  name: "dev",
  directory: mkdtempSync(path.join(tmpdir(), "tuneserve-imports-")),
  warnings: [],
});

test("one resource has one import, the last that was asked for", () => {
  const dev = stack();
  addImport(dev, SECRET);
  addImport(dev, { ...BUCKET, id: "another" });
  addImport(dev, BUCKET);

  expect(readImports(dev)).toEqual([SECRET, BUCKET]);
});

test("what is dropped leaves the others, and the last one takes the file along", () => {
  const dev = stack();
  addImport(dev, SECRET);
  addImport(dev, BUCKET);
  dropImport(dev, BUCKET.to);
  expect(readImports(dev)).toEqual([SECRET]);

  dropImport(dev, SECRET.to);
  expect(existsSync(path.join(dev.directory, "imports.tf.json"))).toBe(false);
});

test("imports stay of what is declared and not in the state", () => {
  const dev = stack();
  addImport(dev, SECRET);
  addImport(dev, BUCKET);
  const json = { resource: { google_storage_bucket: { models: {} } } };

  expect(pruneImports(dev, json, [])).toEqual([BUCKET]);
  expect(
    pruneImports(dev, json, [
      { address: BUCKET.to, type: "google_storage_bucket", attributes: {} },
    ]),
  ).toEqual([]);
});
