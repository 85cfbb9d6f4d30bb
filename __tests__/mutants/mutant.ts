import type { Profile } from "../../gates/profile";
import type { PlanJson } from "../plan-fixtures";
import { after } from "../plan-edits";

/** One edit of a good plan, and the rules that have to notice it. */
export interface Mutant {
  readonly what: string;
  readonly rules: readonly string[];
  readonly edit: (plan: PlanJson) => void;

  /** What the plan is held against, beside what holds for all. */
  readonly profile?: Partial<Profile>;
}

export const SERVICE = "google_cloud_run_v2_service";
export const JOB = "google_cloud_run_v2_job";
export const BUCKET = "google_storage_bucket";
export const SECRET = "google_secret_manager_secret";
export const VERSION = "google_secret_manager_secret_version";
export const REPOSITORY = "google_artifact_registry_repository";
export const BUDGET = "google_billing_budget";
export const MODELS = "bucket.models";

/** A mutant; rules stand apart by spaces. */
export const m = (
  rules: string,
  what: string,
  edit: (plan: PlanJson) => void,
): Mutant => ({ what, rules: rules.split(" "), edit });

export const service = (plan: PlanJson) => after(plan, SERVICE);
export const template = (plan: PlanJson) => service(plan).template[0];
export const task = (plan: PlanJson) =>
  after(plan, JOB).template[0].template[0];
export const models = (plan: PlanJson) => after(plan, BUCKET, MODELS);

/** Everybody, on the internet or with a Google account. */
export const EVERYBODY = ["allUsers", "allAuthenticatedUsers"];
