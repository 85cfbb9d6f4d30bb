import { attribute } from "../attribute";
import { remains } from "../resource";
import { type Observation, type Rule, unknownAttribute } from "../rule";

/** No role over the whole project that can give itself any other. */
export const projectRoles: Rule = {
  id: "G15",
  title: "no owner, editor, admin or impersonation on the project",
  why: "Such a role reaches everything in the project, also what is added later.",
  page: "https://cloud.google.com/iam/docs/using-iam-securely",
  check: ({ resources, kind }) =>
    resources
      .filter((r) => LEVEL.test(r.type) && remains(r))
      .flatMap((resource): Observation[] => {
        const { address, type } = resource;
        if (type.endsWith("_policy")) {
          return [
            {
              level: "block",
              address,
              message: `${type} replaces every grant there is`,
              change: "grant single members: google_project_iam_member",
            },
          ];
        }
        const role = attribute(resource, ["role"]);
        if (role !== undefined && !role.known) {
          return kind === "plan"
            ? [unknownAttribute(resource, role, "G15")]
            : [];
        }
        return [
          ...(BROAD.test(String(role?.value))
            ? [
                {
                  level: "block" as const,
                  address,
                  attribute: "role",
                  message: `${String(role?.value)} on everything`,
                  change: "grant a narrower role on the resource that needs it",
                },
              ]
            : []),
          ...(type.endsWith("_binding")
            ? [
                {
                  level: "flag" as const,
                  address,
                  message:
                    "a binding takes the role from everybody it does not name",
                  change: "grant single members: google_project_iam_member",
                },
              ]
            : []),
        ];
      }),
};

const LEVEL =
  /^google_(project|folder|organization)_iam_(member|binding|policy)$/;
const BROAD =
  /^roles\/(owner|editor)$|admin$|serviceAccount(TokenCreator|User|OpenIdTokenCreator)$|workloadIdentityUser$/i;
