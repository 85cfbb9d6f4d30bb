import { ApiError } from "../api-error";
import type { Handlers } from "../call";
import type { Cloud } from "../cloud";
import { shortName, timestamp } from "../identifiers";
import type { Image, Json } from "../state";

const TYPE = "type.googleapis.com/google.devtools.artifactregistry.v1";

/** @see https://cloud.google.com/artifact-registry/docs/reference/rest */
export const artifactRegistry: Handlers = {
  "artifactregistry.projects.locations.repositories.list": (
    _call,
    { state },
  ) => {
    const repositories = Object.values(state.repositories);
    return repositories.length > 0 ? { repositories } : {};
  },

  "artifactregistry.projects.locations.repositories.create": (call, cloud) => {
    const id = call.query.get("repositoryId") ?? "";
    const parent = call.path["parent"]!;
    if (!/^[a-z](?:[a-z0-9-]{0,61}[a-z0-9])?$/.test(id)) {
      throw new ApiError(400, `repository_id "${id}" is not valid.`);
    }
    const name = `${parent}/repositories/${id}`;
    if (cloud.state.repositories[name]) {
      throw new ApiError(409, "the repository already exists");
    }
    const location = shortName(parent);
    const repository: Json = {
      mode: "STANDARD_REPOSITORY",
      ...Object.fromEntries(
        Object.entries(call.body).filter(([, value]) => value),
      ),
      name,
      createTime: timestamp(),
      updateTime: timestamp(),
      satisfiesPzi: true,
      registryUri: `${location}-docker.pkg.dev/${cloud.settings.project}/${id}`,
      vulnerabilityScanningConfig: {
        lastEnableTime: timestamp(),
        enablementState: "SCANNING_DISABLED",
        enablementStateReason:
          "API containerscanning.googleapis.com is not enabled.",
      },
    };
    cloud.state.repositories[name] = repository;
    return cloud.operations.start(parent, {}, () => ({
      "@type": `${TYPE}.Repository`,
      ...repository,
    }));
  },

  "artifactregistry.projects.locations.repositories.get": ({ path }, cloud) =>
    repository(cloud, path["name"]!),

  "artifactregistry.projects.locations.repositories.patch": (call, cloud) => {
    const found = repository(cloud, call.path["name"]!);
    for (const field of (call.query.get("updateMask") ?? "").split(",")) {
      if (field !== "") found[field] = call.body[field];
    }
    return { ...found, updateTime: timestamp() };
  },

  "artifactregistry.projects.locations.repositories.delete": (
    { path },
    cloud,
  ) => {
    const { name, registryUri } = repository(cloud, path["name"]!);
    return cloud.operations.start(
      name.split("/").slice(0, 4).join("/"),
      {},
      () => {
        delete cloud.state.repositories[name];
        cloud.access.delete(name);
        cloud.state.images = cloud.state.images.filter(
          (image) => !image.name.startsWith(`${registryUri}/`),
        );
        return { "@type": "type.googleapis.com/google.protobuf.Empty" };
      },
    );
  },

  "artifactregistry.projects.locations.repositories.getIamPolicy": (
    { path },
    cloud,
  ) => ({
    ...cloud.access.policy(repository(cloud, path["resource"]!)["name"]),
  }),

  "artifactregistry.projects.locations.repositories.setIamPolicy": (
    { path, body },
    cloud,
  ) => ({
    ...cloud.access.setPolicy(
      repository(cloud, path["resource"]!)["name"],
      body["policy"] ?? {},
    ),
  }),

  "artifactregistry.projects.locations.operations.get": ({ path }, cloud) =>
    cloud.operations.get(path["name"]!),

  "artifactregistry.projects.locations.repositories.dockerImages.list": (
    { path },
    cloud,
  ) => {
    const { name, registryUri } = repository(cloud, path["parent"]!);
    const dockerImages = cloud.state.images
      .filter((image) => image.name.startsWith(`${registryUri}/`))
      .map((image) => dockerImage(name, image));
    return dockerImages.length > 0 ? { dockerImages } : {};
  },

  "artifactregistry.projects.locations.repositories.packages.list": (
    { path },
    cloud,
  ) => {
    const { name, registryUri } = repository(cloud, path["parent"]!);
    const names = cloud.state.images.flatMap((image) =>
      image.name.startsWith(`${registryUri}/`)
        ? [image.name.slice(registryUri.length + 1)]
        : [],
    );
    const packages = [...new Set(names)].map((each) => ({
      name: `${name}/packages/${encodeURIComponent(each)}`,
    }));
    return packages.length > 0 ? { packages } : {};
  },

  "artifactregistry.projects.locations.repositories.packages.tags.list": (
    { path },
    cloud,
  ) => {
    const tags = imagesOf(cloud, path["parent"]!).flatMap((image) =>
      image.tags.map((tag) => tagJson(path["parent"]!, tag, image)),
    );
    return tags.length > 0 ? { tags } : {};
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

function repository({ state }: Cloud, name: string): Json {
  const key = name.split("/").slice(0, 6).join("/");
  const found = state.repositories[key];
  if (found === undefined) {
    throw new ApiError(404, `Repository "${key}" not found`);
  }
  return found;
}

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
