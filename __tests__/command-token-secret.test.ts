import { checkTokenSecret } from "../commands/token-secret";
import { environment, type Raw, synthesize } from "./synthesize";

const json = (token: Raw = {}) =>
  synthesize(environment({ token })) as Parameters<typeof checkTokenSecret>[0];
const secret = (id: string) => ({
  address: "google_secret_manager_secret.hf",
  type: "google_secret_manager_secret",
  attributes: { secret_id: id },
});
const version = {
  address: "google_secret_manager_secret_version.hf",
  type: "google_secret_manager_secret_version",
  attributes: {},
};
const guard = {
  address: "null_resource.guard",
  type: "null_resource",
  attributes: {},
};

test("a first deploy is left to the stack's own guard", () => {
  expect(() => checkTokenSecret(json(), [], undefined)).not.toThrow();
});

test("later deploys need no token", () => {
  const state = [guard, secret("HF_TOKEN"), version];

  expect(() => checkTokenSecret(json(), state, undefined)).not.toThrow();
});

test("fails when the guard is left and the secret's version is not", () => {
  expect(() => checkTokenSecret(json(), [guard], undefined)).toThrow(
    /token is due.*export HF_TOKEN=hf_\.\.\./,
  );
  expect(() => checkTokenSecret(json(), [guard], "hf_x")).not.toThrow();
});

test("fails when an existing secret is the one that would be deleted", () => {
  const state = [guard, secret("HF_TOKEN"), version];
  const existing = json({ source: "existing", secret: "HF_TOKEN" });

  expect(() => checkTokenSecret(existing, state, undefined)).toThrow(
    "terraform state rm 'google_secret_manager_secret.hf' 'google_secret_manager_secret_version.hf'",
  );
});

test("another existing secret may take its place", () => {
  const state = [guard, secret("HF_TOKEN"), version];
  const existing = json({ source: "existing", secret: "shared" });

  expect(() => checkTokenSecret(existing, state, undefined)).not.toThrow();
});
