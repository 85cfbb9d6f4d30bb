#!/usr/bin/env node
// `npx tuneserve-cloud` starts command.ts, wherever it is called.
import { createRequire } from "node:module";
import { fileURLToPath } from "node:url";

const require = createRequire(import.meta.url);
process.env.TS_NODE_PROJECT = fileURLToPath(
  new URL("../../tsconfig.json", import.meta.url),
);
require("@swc-node/register");
require("./command.ts");
