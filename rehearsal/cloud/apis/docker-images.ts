import { ApiError } from "../api-error";
import type { Handlers } from "../call";
import type { Cloud } from "../cloud";
import type { Image, Json } from "../state";
import { listed, repository } from "./artifact-registry";

/** @see https://cloud.google.com/artifact-registry/docs/reference/rest/v1/projects.locations.repositories.dockerImages */
export const dockerImages: Handlers = {
  "artifactregistry.projects.locations.repositories.dockerImages.list": (
    call,
    cloud,
  ) => {
    const { name, registryUri } = repository(cloud, call.path["parent"]!);
    const all = cloud.state.images
      .filter((image) => image.name.startsWith(`${registryUri}/`))
      .map((image) => dockerImage(name, image));
    return listed(call, "dockerImages", all);
  },

  "artifactregistry.projects.locations.repositories.packages.list": (
    call,
    cloud,
  ) => {
    const { name, registryUri } = repository(cloud, call.path["parent"]!);
    const names = cloud.state.images.flatMap((image) =>
      image.name.startsWith(`${registryUri}/`)
        ? [image.name.slice(registryUri.length + 1)]
        : [],
    );
    const all = [...new Set(names)].map((each) => ({
      name: `${name}/packages/${encodeURIComponent(each)}`,
    }));
    return listed(call, "packages", all);
  },

  "artifactregistry.projects.locations.repositories.packages.tags.list": (
    call,
    cloud,
  ) => {
    const parent = call.path["parent"]!;
    const all = imagesOf(cloud, parent).flatMap((image) =>
      image.tags.map((tag) => tagJson(parent, tag, image)),
    );
    return listed(call, "tags", all);
  },

  "artifactregistry.projects.locations.repositories.packages.tags.get": (
    { path },
    cloud,
  ) => {
    const [parent = "", tag = ""] = path["name"]!.split("/tags/");
    const image = imagesOf(cloud, parent).find(({ tags }) =>
      tags.includes(tag),
    );
    if (image === undefined) {
      throw new ApiError(404, "Requested entity was not found.");
    }
    return tagJson(parent, tag, image);
  },
};

/** @param parent - `.../repositories/R/packages/NAME`, the name's slashes written as %2F or plain */
function imagesOf(cloud: Cloud, parent: string): Image[] {
  const { registryUri } = repository(cloud, parent);
  const name = decodeURIComponent(parent.split("/packages/")[1] ?? "");
  return cloud.state.images.filter(
    (image) => image.name === `${registryUri}/${name}`,
  );
}

function tagJson(parent: string, tag: string, { digest }: Image): Json {
  return {
    name: `${parent}/tags/${tag}`,
    version: `${parent}/versions/${digest}`,
  };
}

function dockerImage(repositoryName: string, image: Image): Json {
  const { name, digest, tags, uploadTime, sizeBytes } = image;
  const short = name.split("/").slice(3).join("/");
  return {
    name: `${repositoryName}/dockerImages/${encodeURIComponent(short)}@${digest}`,
    uri: `${name}@${digest}`,
    tags,
    uploadTime,
    imageSizeBytes: String(sizeBytes),
    mediaType: "application/vnd.docker.distribution.manifest.v2+json",
  };
}
