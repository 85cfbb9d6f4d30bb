import type { PlanJson } from "../plan-fixtures";
import { add, after, command, unknown } from "../plan-edits";
import {
  SERVICE,
  VERSION,
  m,
  service,
  template,
  task,
  models,
  type Mutant,
} from "./mutant";

/** Made-up, in the shapes of real ones. */
export const TOKENS: Readonly<Record<string, string>> = {
  "Hugging Face": `hf_${"aBcDeFgH".repeat(4)}`,
  "Google access": `ya29.${"a0AfH6SMB".repeat(3)}`,
  "Google refresh": `1//0${"gAbCdEfGh".repeat(4)}`,
  "Google API": `AIza${"SyA1b2C3d".repeat(4)}`,
  "Google client": `GOCSPX-${"a1B2c3D4".repeat(3)}`,
  "private key":
    "-----BEGIN PRIVATE KEY-----\nMIIEvQIBADANBg\n-----END PRIVATE KEY-----",
  GitHub: `ghp_${"a1B2c3D4".repeat(5)}`,
  "GitHub fine-grained": `github_pat_${"a1B2c3D4".repeat(5)}`,
  GitLab: `glpat-${"a1B2c3D4".repeat(3)}`,
  npm: `npm_${"a1B2c3D4".repeat(5)}`,
  Slack: `xoxb-${"123456789".repeat(3)}`,
  AWS: "AKIAIOSFODNN7EXAMPLE",
  "API key": `sk-${"a1B2c3D4".repeat(4)}`,
  "signed token": "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxMjM0NTY3ODkwIn0.c2ln",
  "password in an address": "https://ada:correct-horse@example.com/x",
};

export const secretsMutants: readonly Mutant[] = [
  ...Object.entries(TOKENS).map(([name, token]) =>
    m("G14", `a ${name} token in the job's environment`, (p) =>
      task(p).containers[0].env.push({ name: "EXTRA", value: token }),
    ),
  ),
  // As the text of JSON, in an address, and behind an underscore.
  ...["a\\n", "a\\u0026", "a%3D", "TOKEN_"].map((before) =>
    m("G14", `a token right after ${before}`, (p) =>
      template(p).containers[0].args.push(`${before}${TOKENS["Hugging Face"]}`),
    ),
  ),
  m("G14", "a token among the arguments", (p) =>
    template(p).containers[0].args.push(`--x=${TOKENS.GitHub}`),
  ),
  m(
    "G14",
    "a token in a label",
    (p) => (models(p).labels = { team: TOKENS["Hugging Face"] }),
  ),
  m(
    "G14",
    "a token as the key of an annotation",
    (p) => (service(p).annotations = { [String(TOKENS.npm)]: "x" }),
  ),
  m(
    "G14",
    "a token in triggers",
    (p) =>
      (after(p, "null_resource", "token-guard").triggers.version =
        TOKENS["Hugging Face"]),
  ),
  m("G14", "a token in a provisioner's environment", (p) => {
    command(p, "token-guard").environment.constant_value.X =
      TOKENS["Google access"];
  }),
  m("G14 G19", "a token in a command", (p) => {
    command(p, "token-guard").command.constant_value =
      `curl -H ${TOKENS["Google access"]}`;
  }),
  m("G14", "a token in an output", (p) => {
    p.output_changes.leak = {
      actions: ["create"],
      before: null,
      after: { inner: [TOKENS.Slack] },
      after_unknown: false,
    };
  }),
  m("G14", "a token in an output that goes", (p) => {
    p.output_changes.leak = {
      actions: ["delete"],
      before: TOKENS.Slack,
      after: null,
      after_unknown: false,
    };
  }),
  m("G14", "a token in a write-only argument", (p) => {
    const { expressions } = p.configuration.root_module.resources.find(
      (r: PlanJson) => r.type === VERSION,
    );
    expressions.secret_data_wo = { constant_value: TOKENS["Hugging Face"] };
  }),
  m("G14", "a token as a variable's default", (p) => {
    p.configuration.root_module.variables.extra = { default: TOKENS.GitLab };
  }),
  m("G14", "a token for a module", (p) => {
    p.configuration.root_module.module_calls = {
      inner: {
        expressions: { password: { constant_value: TOKENS.npm } },
        module: {},
      },
    };
  }),
  m("G14", "a token inside of a module, in an ephemeral block", (p) => {
    p.configuration.root_module.module_calls = {
      inner: {
        module: {
          resources: [
            {
              address: "ephemeral.vault_secret.x",
              mode: "ephemeral",
              type: "vault_secret",
              name: "x",
              expressions: { auth: [{ key: { constant_value: TOKENS.AWS } }] },
            },
          ],
        },
      },
    };
  }),
  m(
    "G14",
    "a token in a variable",
    (p) => (p.variables.other = { value: TOKENS["Hugging Face"] }),
  ),
  m("G14", "a token among a provider's arguments", (p) => {
    p.configuration.provider_config.google.expressions.access_token = {
      constant_value: TOKENS["Google access"],
    };
  }),
  m(
    "G14",
    "secret_data in clear",
    (p) => (after(p, VERSION).secret_data = "x"),
  ),
  m(
    "G14",
    "secret_data that is not known",
    (p) => (unknown(p, VERSION).secret_data = true),
  ),
  ...[
    "API_KEY",
    "DB_PASSWORD",
    "HF_TOKEN",
    "client_secret",
    "AWS_CREDENTIALS",
    "HFTOKEN",
    "apiKey",
  ].map((name) =>
    m("G14", `a value in clear for ${name}`, (p) =>
      template(p).containers[0].env.push({
        name,
        value: "correct horse",
        value_source: [],
      }),
    ),
  ),
  m("G14", "a password of digits", (p) =>
    template(p).containers[0].env.push({ name: "PASSWORD", value: "123456" }),
  ),
  m("G00", "a password that is made up while applying", (p) => {
    template(p).containers[0].env.push({ name: "PASSWORD" });
    unknown(p, SERVICE).template[0].containers[0].env.push({ value: true });
  }),
  m("G00", "a variable whose name is not known", (p) => {
    template(p).containers[0].env.push({ value: "correct horse" });
    unknown(p, SERVICE).template[0].containers[0].env.push({ name: true });
  }),
  m("G14", "a password for a program that Terraform runs", (p) => {
    command(p, "token-guard").environment.constant_value.HF_TOKEN =
      "correct horse";
  }),
  m("G14", "secret_data of a region's secret", (p) =>
    add(p, "google_secret_manager_regional_secret_version", {
      secret_data: "x",
    }),
  ),
];
