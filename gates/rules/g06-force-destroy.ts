import { flag, isTemporary } from "../bucket";
import { remains } from "../resource";
import { type Rule, unknownAttribute } from "../rule";

/** The bucket with the models cannot be deleted together with them. */
export const forceDestroy: Rule = {
  id: "G06",
  title: "no force_destroy on a bucket that keeps things",
  why: "With force_destroy one terraform destroy deletes every trained model.",
  page: "https://registry.terraform.io/providers/hashicorp/google/6.50.0/docs/resources/storage_bucket#force_destroy",
  check: ({ resources, kind }, { production }) =>
    resources
      .filter(
        (r) =>
          r.type === "google_storage_bucket" && remains(r) && !isTemporary(r),
      )
      .flatMap((resource) => {
        const { on, known, path } = flag(resource, ["force_destroy"]);
        if (!known && kind === "plan") {
          return [unknownAttribute(resource, { path }, "G06")];
        }
        return on
          ? [
              {
                level: production ? ("block" as const) : ("flag" as const),
                address: resource.address,
                attribute: path,
                message: "force_destroy is on",
                change: "set bucket.forceDestroy to false",
              },
            ]
          : [];
      }),
};
