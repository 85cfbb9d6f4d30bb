import { GoogleApiError } from "./google-api-error";
import { type Session } from "./provisioner";

/** An image's place in Artifact Registry, without a tag. */
export interface ImageName {
  readonly location: string;
  readonly projectId: string;
  readonly repository: string;

  /** May have slashes. */
  readonly name: string;
}

/**
 * @param image - `REGION-docker.pkg.dev/PROJECT/REPOSITORY/NAME`.
 * @throws if it is not such a name.
 */
export function imageName(image: string): ImageName {
  const match =
    /^([a-z0-9-]+)-docker\.pkg\.dev\/([^/]+)\/([^/]+)\/([^:@]+)$/.exec(image);
  if (!match) {
    throw new Error(
      `IMAGE is '${image}', but must be REGION-docker.pkg.dev/PROJECT/REPOSITORY/NAME without a tag`,
    );
  }
  const [, location, projectId, repository, name] =
    match as unknown as string[];
  return { location, projectId, repository, name } as ImageName;
}

/** Whether the registry has the image with this tag. */
export async function tagExists(
  { client }: Session,
  { location, projectId, repository, name }: ImageName,
  tag: string,
): Promise<boolean> {
  const repositoryPath = `projects/${projectId}/locations/${location}/repositories/${repository}`;
  try {
    await client.request({
      service: "artifactregistry",
      path: `${repositoryPath}/packages/${encodeURIComponent(name)}/tags/${tag}`,
      retry: { also: (error) => error.status === 403, deadlineSeconds: 120 },
    });
    return true;
  } catch (error) {
    if (error instanceof GoogleApiError && error.status === 404) return false;
    throw error;
  }
}
