import { ApiError } from "../api-error";
import type { Cloud } from "../cloud";
import { timestamp } from "../identifiers";
import type { ImageFolder } from "./built-image";

/**
 * Registers an image under a tag, if the account may write to its repository.
 *
 * @param reference - `LOCATION-docker.pkg.dev/PROJECT/REPOSITORY/NAME:TAG`
 * @throws ApiError in the registry's words
 */
export function pushImage(
  cloud: Cloud,
  account: string,
  reference: string,
  image: ImageFolder,
): void {
  const match =
    /^([a-z0-9-]+)-docker\.pkg\.dev\/([^/]+)\/([^/]+)\/[^:]+:([\w.-]+)$/.exec(
      reference,
    );
  if (match === null) {
    throw new ApiError(400, `invalid reference format: ${reference}`);
  }
  const [, location, project, repository, tag = ""] = match;
  const resource = `projects/${project}/locations/${location}/repositories/${repository}`;
  const permission = "artifactregistry.repositories.uploadArtifacts";
  const known = cloud.state.repositories[resource];
  if (
    known === undefined ||
    !cloud.access.allows(`serviceAccount:${account}`, permission, resource)
  ) {
    throw new ApiError(
      403,
      `denied: Permission '${permission}' denied on resource '${resource}' (or it may not exist)`,
    );
  }
  const name = reference.slice(0, reference.lastIndexOf(":"));
  const images = cloud.state.images.filter((each) => each.name === name);
  const holder = images.find(({ tags }) => tags.includes(tag));
  if (holder !== undefined && known["dockerConfig"]?.immutableTags) {
    throw new ApiError(
      400,
      `manifest invalid: cannot update tag ${tag}. The repository has enabled tag immutability`,
    );
  }
  holder?.tags.splice(holder.tags.indexOf(tag), 1);
  const present = images.find(({ digest }) => digest === image.digest);
  if (present !== undefined) {
    present.tags.push(tag);
    return;
  }
  cloud.state.images.push({
    name,
    tags: [tag],
    uploadTime: timestamp(),
    ...image,
  });
}
