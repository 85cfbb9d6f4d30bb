import type { Handlers } from "../call";

/** Constraints that are on or off and no list. */
const BOOLEAN = /\.(disable|require|skip|enforce|uniform|public|automatic)\w+$/;

/** @see https://cloud.google.com/resource-manager/reference/rest/v1/projects */
export const resourceManager: Handlers = {
  "cloudresourcemanager.projects.get": (_call, { settings }) => ({
    projectId: settings.project,
    projectNumber: settings.projectNumber,
    name: settings.project,
    lifecycleState: "ACTIVE",
    createTime: "2026-01-01T00:00:00Z",
  }),

  "cloudresourcemanager.projects.getIamPolicy": (
    _call,
    { access, project },
  ) => ({
    ...access.policy(project),
  }),

  "cloudresourcemanager.projects.setIamPolicy": (
    { body },
    { access, project },
  ) => ({
    ...access.setPolicy(project, body["policy"] ?? {}),
  }),

  /** Without an organization there is no policy: everything is allowed. */
  "cloudresourcemanager.projects.getEffectiveOrgPolicy": ({ body }) => ({
    constraint: body["constraint"],
    ...(BOOLEAN.test(body["constraint"])
      ? { booleanPolicy: {} }
      : { listPolicy: { allValues: "ALLOW" } }),
  }),

  "cloudresourcemanager.projects.testIamPermissions": (
    { body, principal },
    { access },
  ) => ({
    permissions: (body["permissions"] ?? []).filter((permission: string) =>
      access.allows(principal, permission),
    ),
  }),
};
