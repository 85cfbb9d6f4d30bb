#!/usr/bin/env node
// `npx tuneserve-cloud` starts command.ts, wherever it is called.
import { createRequire } from "node:module";

const require = createRequire(import.meta.url);
require("../../swc-register.cjs");
require("./command.ts");
