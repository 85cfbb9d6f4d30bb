import { attribute } from "../attribute";
import { type Rule, unknownAttribute } from "../rule";
import { workloads } from "../workload";

/** Every workload has an identity of its own, with the grants that it needs. */
export const defaultAccount: Rule = {
  id: "G17",
  title: "an identity of its own for every workload",
  why: "The default account is shared by everything in the project and is often its editor.",
  page: "https://cloud.google.com/run/docs/securing/service-identity",
  check: (plan) =>
    workloads(plan).flatMap(({ resource, template, account, kind }) => {
      const path = [...template, account];
      const found = attribute(resource, path);
      if (found !== undefined && !found.known) {
        if (plan.kind === "plan") {
          return [unknownAttribute(resource, found, "G17")];
        }
        // A reference to an account is known to be one, and not which.
        if (!DEFAULT_REFERENCE.test(String(found.value))) return [];
      }
      const email = String(found?.value ?? "");
      return email !== "" &&
        !DEFAULT.test(email) &&
        !DEFAULT_REFERENCE.test(email)
        ? []
        : [
            {
              level: "block" as const,
              address: resource.address,
              attribute: found?.path ?? path.join("."),
              message: `the ${kind} runs as ${email === "" ? "nobody in particular, which is the default account" : email}`,
              change: "give it a service account of its own",
            },
          ];
    }),
};

const DEFAULT =
  /^(\d+-compute@developer\.gserviceaccount\.com|[^@]+@appspot\.gserviceaccount\.com)$/;
const DEFAULT_REFERENCE = /google_(compute|app_engine)_default_service_account/;
