import { artifactRegistry } from "./apis/artifact-registry";
import { billing } from "./apis/billing";
import { budgets } from "./apis/budgets";
import { cloudBuild } from "./apis/cloud-build";
import { cloudRun } from "./apis/cloud-run";
import { compute } from "./apis/compute";
import { dockerImages } from "./apis/docker-images";
import { iam } from "./apis/iam";
import { iamCredentials } from "./apis/iam-credentials";
import { kept } from "./apis/kept";
import { logging } from "./apis/logging";
import { notificationChannels } from "./apis/notification-channels";
import { quotaMetrics } from "./apis/quota-metrics";
import { resourceManager } from "./apis/resource-manager";
import { secretManager } from "./apis/secret-manager";
import { secretVersions } from "./apis/secret-versions";
import { serviceAccountKeys } from "./apis/service-account-keys";
import { serviceUsage } from "./apis/service-usage";
import { storage } from "./apis/storage";
import type { Handlers } from "./call";

/** All that is spoken here. */
export const HANDLERS: Handlers = {
  ...serviceUsage,
  ...resourceManager,
  ...compute,
  ...iam,
  ...serviceAccountKeys,
  ...iamCredentials,
  ...secretManager,
  ...secretVersions,
  ...storage,
  ...artifactRegistry,
  ...dockerImages,
  ...cloudBuild,
  ...cloudRun,
  ...logging,
  ...billing,
  ...budgets,
  ...notificationChannels,
  ...quotaMetrics,
  ...kept,
};
