import { ApiError } from "./api-error";
import { Discovery, type FoundMethod } from "./discovery/discovery";
import { type Service, SERVICES } from "./services";

/** The method that a request is, by its address. @throws ApiError for one that Google has not */
export function resolveMethod(
  httpMethod: string,
  url: URL,
): {
  readonly service: Service;
  readonly discovery: Discovery;
  readonly found: FoundMethod;
} {
  const [prefix = "", ...rest] = url.pathname
    .replace(/^\/(resumable\/)?(upload|download)\//, "/")
    .slice(1)
    .split("/");
  const services = SERVICES.filter((service) => service.prefix === prefix);
  // The provider's client libraries repeat the version with endpoints that are not https.
  const path = rest.join("/").replace(/^(v\d\/)\1+/, "$1");
  for (const service of services) {
    const discovery = discoveryOf(service);
    const full =
      discovery.document.servicePath === "" ? path : `${prefix}/${path}`;
    const found = discovery.find(httpMethod, full.replace(/\/$/, ""));
    if (found) {
      return { service, discovery, found };
    }
  }
  throw new ApiError(
    404,
    services.length === 0
      ? `The requested URL ${url.pathname} was not found on this server.`
      : `Method not found: ${httpMethod} ${url.pathname}`,
  );
}

const documents = new Map<Service, Discovery>();

/** The document of an API, read once. */
export function discoveryOf(service: Service): Discovery {
  const known =
    documents.get(service) ?? new Discovery(service.name, service.version);
  documents.set(service, known);
  return known;
}
