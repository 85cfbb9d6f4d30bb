import { attribute, attributes } from "../attribute";
import { isTemporary, isTrue } from "../bucket";
import { grants, isEverybody, members } from "../iam";
import { type Plan, remains, type Resource } from "../resource";
import { type Observation, type Rule, unknownAttribute } from "../rule";

/** A bucket is private whatever its policies say, and keeps what was overwritten. */
export const openBucket: Rule = {
  id: "G08",
  title: "buckets are private and keep versions",
  why: "Models and training data leak through a bucket that can be made public, and are lost in one that keeps nothing.",
  page: "https://cloud.google.com/storage/docs/public-access-prevention",
  check: (plan) => [
    ...plan.resources
      .filter((r) => r.type === "google_storage_bucket" && remains(r))
      .flatMap((bucket) => [...privacy(bucket, plan), ...keeping(bucket)]),
    ...publicGrants(plan),
  ],
};

function privacy(bucket: Resource, { kind }: Plan): Observation[] {
  const wanted: [string, (value: unknown) => boolean, string][] = [
    ["public_access_prevention", (v) => v === "enforced", '"enforced"'],
    ["uniform_bucket_level_access", isTrue, "true"],
  ];
  return wanted.flatMap(([key, right, value]) => {
    const found = attribute(bucket, [key]);
    if (found !== undefined && !found.known && kind === "plan") {
      return [unknownAttribute(bucket, found, "G08")];
    }
    return right(found?.value)
      ? []
      : [
          {
            level: "block" as const,
            address: bucket.address,
            attribute: key,
            message: `${key} is ${JSON.stringify(found?.value ?? "not set")}`,
            change: `set it to ${value}`,
          },
        ];
  });
}

function keeping(bucket: Resource): Observation[] {
  if (isTemporary(bucket)) return [];
  const [versioning] = attributes(bucket, ["versioning", "enabled"]);
  const [soft] = attributes(bucket, [
    "soft_delete_policy",
    "retention_duration_seconds",
  ]);
  const observe = (attribute: string, message: string, change: string) => ({
    level: "flag" as const,
    address: bucket.address,
    attribute,
    message,
    change,
  });
  return [
    ...(isTrue(versioning?.value)
      ? []
      : [
          observe(
            "versioning",
            "keeps no earlier versions of its objects",
            "switch versioning on, with a lifecycle rule that ends them",
          ),
        ]),
    // Where it is not set, Cloud Storage keeps deleted objects for a week.
    ...(soft !== undefined && Number(soft.value) === 0
      ? [
          observe(
            "soft_delete_policy",
            "deleted objects are gone at once",
            "leave soft_delete_policy out",
          ),
        ]
      : []),
  ];
}

function publicGrants({ resources, kind }: Plan): Observation[] {
  return resources
    .filter((r) => r.type.startsWith("google_storage_") && remains(r))
    .flatMap((resource) => {
      const everyone = grants(resource)
        ? members(resource)
        : [
            ...attributes(resource, ["entity"]),
            ...attributes(resource, ["role_entity"]),
            ...attributes(resource, ["predefined_acl"]),
          ];
      return everyone.flatMap((member): Observation[] => {
        if (!member.known) {
          return kind === "plan" && grants(resource)
            ? [unknownAttribute(resource, member, "G08")]
            : [];
        }
        const name = String(member.value).split(":").at(-1) ?? "";
        return isEverybody(name) || /^public/i.test(name)
          ? [
              {
                level: "block",
                address: resource.address,
                attribute: member.path,
                message: `${String(member.value)} may read or write the bucket`,
                change: "grant it to the accounts that need it",
              },
            ]
          : [];
      });
    });
}
