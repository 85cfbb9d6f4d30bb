import { add, after, unknown } from "../plan-edits";
import { BUCKET, EVERYBODY, MODELS, m, models, type Mutant } from "./mutant";

export const bucketsMutants: readonly Mutant[] = [
  m(
    "G06",
    "force_destroy on the models",
    (p) => (models(p).force_destroy = true),
  ),
  m("G06 G08", "the source bucket keeps its objects", (p) => {
    after(p, BUCKET, "build_source").lifecycle_rule.splice(0, 1);
  }),
  m("G06 G08", "the source bucket empties itself after a year", (p) => {
    after(p, BUCKET, "build_source").lifecycle_rule[0].condition[0].age = 365;
  }),
  m("G06 G08", "the source bucket empties one folder", (p) => {
    after(
      p,
      BUCKET,
      "build_source",
    ).lifecycle_rule[0].condition[0].matches_prefix = ["tmp/"];
  }),
  ...["inherited", null].map((value) =>
    m(
      "G08",
      `public_access_prevention ${value}`,
      (p) => (models(p).public_access_prevention = value),
    ),
  ),
  ...[false, null].map((value) =>
    m(
      "G08",
      `uniform_bucket_level_access ${value}`,
      (p) => (models(p).uniform_bucket_level_access = value),
    ),
  ),
  m("G08", "no versioning", (p) => (models(p).versioning = [])),
  m(
    "G08",
    "versioning is suspended",
    (p) => (models(p).versioning[0].enabled = false),
  ),
  m("G08", "no soft delete", (p) => {
    models(p).soft_delete_policy = [{ retention_duration_seconds: 0 }];
    unknown(p, BUCKET, MODELS).soft_delete_policy = [{}];
  }),
  ...EVERYBODY.map((member) =>
    m("G08", `${member} reads the bucket`, (p) => {
      after(p, `${BUCKET}_iam_member`, "serve-viewer").member = member;
    }),
  ),
  m("G08", "a binding lets everybody read the bucket", (p) =>
    add(p, `${BUCKET}_iam_binding`, {
      role: "roles/storage.objectViewer",
      members: ["allUsers"],
    }),
  ),
  m("G08", "an ACL lets everybody read", (p) =>
    add(p, "google_storage_bucket_access_control", {
      role: "READER",
      entity: "allUsers",
    }),
  ),
  m("G08", "a list of ACLs lets everybody read", (p) =>
    add(p, "google_storage_bucket_acl", {
      role_entity: ["OWNER:project-owners-1", "READER:allUsers"],
    }),
  ),
  m("G08", "a predefined ACL is public", (p) =>
    add(p, "google_storage_bucket_acl", { predefined_acl: "publicRead" }),
  ),
];
