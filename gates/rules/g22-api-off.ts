import { own } from "../json";
import { isDeleted } from "../resource";
import type { Rule } from "../rule";

/** An API is not switched off for everything else in the project. */
export const apiOff: Rule = {
  id: "G22",
  title: "no API is switched off",
  why: "An API that is switched off stops everything in the project that uses it.",
  page: "https://cloud.google.com/service-usage/docs/enable-disable#disabling",
  check: ({ resources }) =>
    resources
      .filter((r) => r.type === "google_project_service" && isDeleted(r))
      .flatMap(({ address, before }) => {
        const why = ["disable_on_destroy", "disable_dependent_services"].filter(
          (key) => own(before, key) === true,
        );
        return why.length === 0
          ? []
          : [
              {
                level: "flag" as const,
                address,
                message: `switches ${String(own(before, "service"))} off (${why.join(", ")})`,
                change: "apply disable_on_destroy = false first, or keep it",
              },
            ];
      }),
};
