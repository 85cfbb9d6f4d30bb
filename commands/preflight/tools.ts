import { requireTerraform } from "../terraform";
import type { Check } from "./finding";

/** Whether this machine's Terraform can deploy. */
export const terraformVersion: Check = async ({ env }) => {
  const what = "Terraform";
  try {
    return [{ status: "pass", what, detail: requireTerraform(env) }];
  } catch (error) {
    return [{ status: "fail", what, detail: (error as Error).message }];
  }
};

/** Whether this is a Node that cdktf and its parts run on. */
export const nodeVersion =
  (version = process.versions.node): Check =>
  async () => {
    const what = "Node";
    const [major = 0, minor = 0] = version.split(".").map(Number);
    const fits = major > 20 || (major === 20 && minor >= 9);
    return fits && major < 23
      ? [{ status: "pass", what, detail: version }]
      : [
          {
            status: "fail",
            what,
            detail: `${version}; 20.9 or newer and older than 23 is needed`,
            remedy: "install Node 22 from https://nodejs.org",
          },
        ];
  };
