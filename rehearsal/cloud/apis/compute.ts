import { ApiError } from "../api-error";
import type { Handlers } from "../call";

/**
 * The little of Compute Engine that others ask for: the project's number, regions, and the network
 * `default`, the only one there is.
 *
 * @see https://cloud.google.com/compute/docs/reference/rest/v1
 */
export const compute: Handlers = {
  "compute.projects.get": (_call, { settings }) => ({
    kind: "compute#project",
    id: settings.projectNumber,
    name: settings.project,
  }),

  "compute.regions.get": ({ path }) => ({
    kind: "compute#region",
    name: path["region"],
    status: "UP",
  }),

  "compute.networks.get": ({ path }) => ({
    kind: "compute#network",
    name: existing("networks", path["network"]!),
    autoCreateSubnetworks: true,
  }),

  "compute.subnetworks.get": ({ path }, { project }) => ({
    kind: "compute#subnetwork",
    name: existing("subnetworks", path["subnetwork"]!),
    network: `https://www.googleapis.com/compute/v1/${project}/global/networks/default`,
    // As in a network in auto mode.
    ipCidrRange: "10.128.0.0/20",
    privateIpGoogleAccess: true,
  }),
};

function existing(kind: string, name: string): string {
  if (name !== "default") {
    throw new ApiError(404, `The resource '${kind}/${name}' was not found`, {
      reason: "notFound",
    });
  }
  return name;
}
