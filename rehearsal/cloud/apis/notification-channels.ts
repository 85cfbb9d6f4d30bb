import { ApiError } from "../api-error";
import type { Call, Handlers } from "../call";
import type { Cloud } from "../cloud";
import { withMask } from "../field-mask";
import { nextNumber, timestamp } from "../identifiers";
import { queriedPage } from "../page-of";
import type { Json } from "../state";

/** Labels that a type of channel cannot do without. @see https://cloud.google.com/monitoring/api/ref_v3/rest/v3/projects.notificationChannelDescriptors */
const REQUIRED: Readonly<Record<string, readonly string[]>> = {
  email: ["email_address"],
  sms: ["number"],
  pubsub: ["topic"],
  webhook_tokenauth: ["url"],
  webhook_basicauth: ["url", "username"],
  slack: ["channel_name"],
  pagerduty: [],
};

/**
 * Channels are kept, and nobody is told anything.
 *
 * @see https://cloud.google.com/monitoring/api/ref_v3/rest/v3/projects.notificationChannels
 */
export const notificationChannels: Handlers = {
  "monitoring.projects.notificationChannels.list": (call, { state }) => {
    if (call.query.get("filter")) {
      throw new ApiError(400, "this local cloud lists channels unfiltered");
    }
    const all = Object.values(state.kept).filter(({ name }) =>
      name.startsWith(`${call.path["name"]}/notificationChannels/`),
    );
    const { items, next } = queriedPage(all, call, 1000);
    return {
      ...(items.length > 0 ? { notificationChannels: items } : {}),
      ...next,
      totalSize: all.length,
    };
  },

  "monitoring.projects.notificationChannels.create": (
    { path, body, principal },
    { state },
  ) => {
    const name = `${path["name"]}/notificationChannels/${nextNumber()}`;
    const record = recordOf(principal);
    state.kept[name] = {
      enabled: true,
      ...checked(body),
      name,
      creationRecord: record,
      mutationRecords: [record],
    };
    return state.kept[name];
  },

  "monitoring.projects.notificationChannels.get": (call, cloud) =>
    existing(call, cloud),

  "monitoring.projects.notificationChannels.patch": (call, cloud) => {
    const present = existing(call, cloud);
    const { name, creationRecord } = present;
    const mask = call.query.get("updateMask");
    const asked = mask ? withMask(present, call.body, mask) : call.body;
    cloud.state.kept[name] = {
      enabled: true,
      ...checked(asked),
      name,
      creationRecord,
      mutationRecords: [
        ...present["mutationRecords"],
        recordOf(call.principal),
      ],
    };
    return cloud.state.kept[name];
  },

  "monitoring.projects.notificationChannels.delete": (call, cloud) => {
    const { name } = existing(call, cloud);
    const { kept } = cloud.state;
    const user = Object.values(kept).find(
      (each) =>
        each["name"].includes("/alertPolicies/") &&
        each["notificationChannels"]?.includes(name),
    );
    if (user && call.query.get("force") !== "true") {
      throw new ApiError(
        400,
        `Cannot delete notification channel ${name}: alerting policy ${user["name"]} uses it.`,
        { status: "FAILED_PRECONDITION" },
      );
    }
    delete kept[name];
    return {};
  },
};

/** @throws ApiError for a type that there is not, and for labels that a type needs */
function checked(channel: Json): Json {
  const { type = "", labels = {} } = channel;
  const required = REQUIRED[type];
  if (required === undefined) {
    throw new ApiError(
      400,
      `Field "notification_channel.type" had an invalid value of "${type}": there is no such channel type.`,
    );
  }
  for (const name of required) {
    if (!labels[name]) {
      throw new ApiError(
        400,
        `Field "notification_channel.labels['${name}']" had an invalid value of "": it is required for channels of type "${type}".`,
      );
    }
  }
  if (type === "email" && !/^[^\s@]+@[^\s@]+$/.test(labels["email_address"])) {
    throw new ApiError(
      400,
      `Field "notification_channel.labels['email_address']" had an invalid value of "${labels["email_address"]}": it is no email address.`,
    );
  }
  return channel;
}

function recordOf(principal: string): Json {
  return {
    mutateTime: timestamp(),
    mutatedBy: principal.slice(principal.indexOf(":") + 1),
  };
}

function existing({ path }: Call, { state }: Cloud): Json {
  const found = state.kept[path["name"]!];
  if (found === undefined) {
    throw new ApiError(
      404,
      `There is no notification channel with the name "${path["name"]}".`,
    );
  }
  return found;
}
