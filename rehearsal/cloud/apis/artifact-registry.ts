import { ApiError } from "../api-error";
import type { Call, Handlers } from "../call";
import type { Cloud } from "../cloud";
import { withMask } from "../field-mask";
import { shortName, timestamp } from "../identifiers";
import { queriedPage } from "../page-of";
import type { Json } from "../state";

const TYPE = "type.googleapis.com/google.devtools.artifactregistry.v1";

/** @see https://cloud.google.com/artifact-registry/docs/reference/rest */
export const artifactRegistry: Handlers = {
  "artifactregistry.projects.locations.repositories.list": (
    call,
    { state },
  ) => {
    const all = Object.values(state.repositories);
    return listed(call, "repositories", all);
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
    const { name } = found;
    cloud.state.repositories[name] = {
      ...withMask(found, call.body, call.query.get("updateMask") ?? ""),
      name,
      updateTime: timestamp(),
    };
    return cloud.state.repositories[name];
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
};

/** A page of a list. */
export function listed(call: Call, kind: string, all: readonly Json[]): Json {
  const { items, next } = queriedPage(all, call, 1000);
  return { ...(items.length > 0 ? { [kind]: items } : {}), ...next };
}

/** @throws ApiError if there is none */
export function repository({ state }: Cloud, name: string): Json {
  const key = name.split("/").slice(0, 6).join("/");
  const found = state.repositories[key];
  if (found === undefined) {
    throw new ApiError(404, `Repository "${key}" not found`);
  }
  return found;
}
