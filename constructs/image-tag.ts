/** Build arguments of a Dockerfile, by name. */
export type BuildArguments = Readonly<Record<string, string>>;

/**
 * Tag of an image: what it is made of, which is its source and the arguments of
 * its build.
 *
 * @param sourceHash - hash of the Docker context
 */
export function imageTag(
  sourceHash: string,
  buildArguments: BuildArguments = {},
): string {
  return [sourceHash, ...Object.values(buildArguments)].join("-");
}
