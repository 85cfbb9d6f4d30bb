import { type Drift, drifts } from "../drift";
import { WHOLE_PLAN } from "../finding";
import type { Plan } from "../resource";
import type { Observation, Rule } from "../rule";

/** What was never tried, or was changed behind Terraform's back, is looked at by a person. */
export const untested: Rule = {
  id: "G24",
  title: "tested versions, and no drift",
  why: "Another provider may ignore or rename arguments; drift shows that somebody works by hand.",
  page: "https://developer.hashicorp.com/terraform/tutorials/state/resource-drift",
  check: (plan) => [...versions(plan), ...drifts(plan).map(drifted)],
};

/** What this project's tests ran with. */
const TESTED: Readonly<Record<string, readonly string[]>> = {
  google: ["6.50.0"],
  null: ["3.2.4"],
};
const TERRAFORM = /^1\.11\./;

function versions({ kind, providers, terraformVersion }: Plan): Observation[] {
  const observe = (what: string, version: string, tested: string) => ({
    level: "flag" as const,
    address: WHOLE_PLAN,
    message: `${what} ${version} was not tested with this project`,
    change: `use ${tested}, or run the tests with this one first`,
  });
  return [
    ...(kind === "plan" && !TERRAFORM.test(terraformVersion ?? "")
      ? [observe("Terraform", terraformVersion ?? "(no version)", "1.11")]
      : []),
    ...Object.entries(providers).flatMap(([name, { source, version }]) => {
      const called = name.split(":").at(-1) ?? "";
      const tested =
        source === `registry.terraform.io/hashicorp/${called}`
          ? TESTED[called]
          : undefined;
      return tested?.includes(version ?? "")
        ? []
        : [
            observe(
              `provider ${name} (${source ?? "no source"})`,
              version ?? "(no version)",
              tested?.join(", ") ?? "google and null alone",
            ),
          ];
    }),
  ];
}

function drifted({ address, deleted, paths }: Drift): Observation {
  const more = paths.length - 8;
  return {
    level: "flag",
    address,
    message: deleted
      ? "was deleted outside of Terraform"
      : `was changed outside of Terraform: ${paths.slice(0, 8).join(", ")}${more > 0 ? ` and ${more} more` : ""}`,
    change: "find out who changed it, and put the change into the settings",
  };
}
