import { App, Aspects } from "cdktf";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { FinetuneStack } from "./constructs/finetune-stack";
import { readSettings, SettingsError } from "./constructs/read-settings";
import { sourceHash } from "./constructs/source-hash";
import { refusals, SynthGate } from "./constructs/synth-gate";
import { readWaivers, WaiversError } from "./gates/waiver";

/** The `context` of cdktf.json, which only the CLI hands on by itself. */
function context(): Record<string, unknown> {
  const passed = process.env.CDKTF_CONTEXT_JSON;
  const file = join(__dirname, "cdktf.json");
  try {
    return passed === undefined
      ? (JSON.parse(readFileSync(file, "utf8")).context ?? {})
      : JSON.parse(passed);
  } catch (error) {
    if (!(error instanceof SyntaxError)) throw error;
    throw new SettingsError([`cdktf.json is not JSON: ${error.message}`]);
  }
}

/** Writes one stack per environment to cdktf.out. */
function synthesize(): void {
  const environments = readSettings(context(), process.env);
  const sources = {
    trainer: sourceHash(join(__dirname, "trainer")),
    vllm: sourceHash(join(__dirname, "vllm")),
    recipe: JSON.parse(
      readFileSync(join(__dirname, "trainer", "recipe.json"), "utf8"),
    ).version,
  };
  // cdktf keeps a stack trace with every token. Mapping each of them to its
  // source takes a quarter of the synth and is read by nobody.
  const { prepareStackTrace } = Error;
  Reflect.deleteProperty(Error, "prepareStackTrace");
  try {
    const app = new App({ stackTraces: false });
    const gate = new SynthGate(
      readWaivers(join(__dirname, "gates", "waivers.json")),
    );
    for (const [name, settings] of Object.entries(environments)) {
      const stack = new FinetuneStack(app, name, settings, sources);
      // Aspects of the app itself never reach its stacks.
      Aspects.of(stack).add(gate);
    }
    app.synth();
  } finally {
    if (prepareStackTrace) Error.prepareStackTrace = prepareStackTrace;
  }
}

try {
  synthesize();
} catch (error) {
  const message =
    error instanceof SettingsError || error instanceof WaiversError
      ? error.message
      : refusals(error);
  if (message === undefined) throw error;
  console.error(message);
  process.exitCode = 1;
}
