import { attribute, attributes } from "../attribute";
import { isTrue } from "../bucket";
import { type Plan, remains } from "../resource";
import { type Observation, type Rule, unknownAttribute } from "../rule";
import { workloads } from "../workload";

/** What runs is what was reviewed: an image that nobody can exchange under its name. */
export const imagePinned: Rule = {
  id: "G13",
  title: "images are pinned, and from the project's own registry",
  why: "A tag that moves changes what runs without any plan showing it.",
  page: "https://cloud.google.com/artifact-registry/docs/docker/names#tags",
  check(plan, { production }) {
    const immutable = immutableRepositories(plan);
    return workloads(plan).flatMap(({ resource, template }) => {
      const project = attribute(resource, ["project"])?.value;
      return attributes(resource, [...template, "containers", "image"]).flatMap(
        (image): Observation[] => {
          if (!image.known) {
            return plan.kind === "plan"
              ? [unknownAttribute(resource, image, "G13")]
              : [];
          }
          const uri = String(image.value);
          const at = { address: resource.address, attribute: image.path };
          return [
            ...(isPinned(uri, immutable)
              ? []
              : [
                  {
                    ...at,
                    level:
                      production || !TAG.test(uri)
                        ? ("block" as const)
                        : ("flag" as const),
                    message: `${uri} can be exchanged under its name`,
                    change: "name it by digest: IMAGE@sha256:...",
                  },
                ]),
            ...(isOwn(uri, project)
              ? []
              : [
                  {
                    ...at,
                    level: "flag" as const,
                    message: `${uri} comes from outside the project's Artifact Registry`,
                    change:
                      "copy it into the project's repository, or say why its owner is trusted",
                  },
                ]),
          ];
        },
      );
    });
  },
};

const DIGEST = /@sha256:[0-9a-f]{64}$/;
const TAG = /:[\w][\w.-]*$/;
/** Also where one source has variants, such as another CUDA. */
const CONTENT_HASH = /^(.+)\/[^/:@]+:[0-9a-f]{16,64}(-[a-z0-9]+)?$/;

/** A hash of what was built names one image for ever, where tags cannot move. */
function isPinned(uri: string, immutable: ReadonlySet<string>): boolean {
  const repository = CONTENT_HASH.exec(uri)?.[1];
  return (
    DIGEST.test(uri) || (repository !== undefined && immutable.has(repository))
  );
}

function isOwn(uri: string, project: unknown): boolean {
  const [host = "", owner] = uri.split("/");
  return (
    host.endsWith("-docker.pkg.dev") &&
    (project === undefined || owner === project)
  );
}

function immutableRepositories({ resources }: Plan): ReadonlySet<string> {
  return new Set(
    resources
      .filter(
        (r) =>
          r.type === "google_artifact_registry_repository" &&
          remains(r) &&
          isTrue(attribute(r, ["docker_config", "immutable_tags"])?.value),
      )
      .map((r) => {
        const [location, project, repository] = [
          "location",
          "project",
          "repository_id",
        ].map((key) => attribute(r, [key])?.value);
        return `${String(location)}-docker.pkg.dev/${String(project)}/${String(repository)}`;
      }),
  );
}
