// `node -r ./swc-register.cjs FILE.ts`: Node runs TypeScript, compiled by the compiler that Jest has too.
// @swc-node/register does this as well, but loads all of TypeScript before: 0.2 s of each
// provisioner and command.
const { addHook } = require("pirates");
const { transformSync } = require("@swc/core");
const { install } = require("source-map-support");

const maps = new Map();

addHook(
  (source, filename) => {
    const { code, map } = transformSync(source, {
      filename,
      configFile: false,
      swcrc: false,
      module: { type: "commonjs" },
      // As tsconfig.json has it.
      jsc: { target: "es2022", parser: { syntax: "typescript" } },
      sourceMaps: true,
    });
    maps.set(filename, map);
    return code;
  },
  { exts: [".ts"] },
);

// Stack traces name lines of the source.
install({
  environment: "node",
  handleUncaughtExceptions: false,
  retrieveSourceMap: (filename) =>
    maps.has(filename) ? { url: filename, map: maps.get(filename) } : null,
});
