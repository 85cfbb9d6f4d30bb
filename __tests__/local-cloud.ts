import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { type GoogleClient, googleClient } from "../provision/google-client";
import { type GoogleService } from "../provision/google-endpoints";
import {
  type CloudSettings,
  DEFAULTS,
} from "../rehearsal/cloud/cloud-settings";
import { cloudEnvironment } from "../rehearsal/cloud/environment";
import { SERVICES } from "../rehearsal/cloud/services";
import { CloudServer } from "../rehearsal/cloud/server";

/** A local Google Cloud for one test file, and its owner's client. */
export class LocalCloud {
  readonly env: Record<string, string>;
  readonly client: GoogleClient;
  readonly parent = `projects/${DEFAULTS.project}/locations/${DEFAULTS.region}`;

  private constructor(
    readonly server: CloudServer,
    private readonly folder: string,
  ) {
    this.env = cloudEnvironment(server.cloud);
    this.client = this.clientOf(this.env["GOOGLE_OAUTH_ACCESS_TOKEN"]!);
  }

  /** @param settings - beside short delays, all APIs are on unless `enableDelay` is set */
  static async start(
    settings: Partial<CloudSettings> = {},
  ): Promise<LocalCloud> {
    const folder = mkdtempSync(join(tmpdir(), "tuneserve-local-cloud-"));
    const server = await CloudServer.start({
      ...DEFAULTS,
      operationDelay: 0,
      folder,
      ...settings,
    });
    if (settings.enableDelay === undefined) {
      for (const { name } of SERVICES) {
        server.cloud.state.apis[`${name}.googleapis.com`] = 0;
      }
    }
    return new LocalCloud(server, folder);
  }

  async close(): Promise<void> {
    await this.server.close();
    rmSync(this.folder, { recursive: true, force: true });
  }

  /** Calls with the token of somebody else. */
  clientOf(token: string): GoogleClient {
    return googleClient(
      { ...this.env, GOOGLE_OAUTH_ACCESS_TOKEN: token },
      { firstDelaySeconds: 0.01, fetchImplementation: fetch },
    );
  }

  as(account: string): GoogleClient {
    const principal = `serviceAccount:${this.email(account)}`;
    return this.clientOf(this.server.cloud.tokens.accessToken(principal));
  }

  email(account: string): string {
    return `${account}@${DEFAULTS.project}.iam.gserviceaccount.com`;
  }

  get(service: GoogleService, path: string, query = {}): Promise<any> {
    return this.client.request({ service, path, query });
  }

  post(
    service: GoogleService,
    path: string,
    body: object = {},
    query = {},
  ): Promise<any> {
    return this.client.request({
      service,
      path,
      method: "POST",
      body,
      query,
      retry: { deadlineSeconds: 0 },
    });
  }

  /** Why a call was refused, in Google's words after its status. */
  async refusal(call: Promise<unknown>): Promise<string> {
    return call.then(
      () => "(not refused)",
      (error: Error) => error.message.replace(/^.*?: (?=\d{3} )/, ""),
    );
  }

  /** Waits for an operation, and returns how it ended. */
  async done(service: GoogleService, operation: any): Promise<any> {
    let now = operation;
    while (!now.done) {
      await sleep(20);
      now = await this.get(service, operation.name);
    }
    return now;
  }

  async bucket(name: string, more: object = {}): Promise<void> {
    const bucket = { name, location: "us-central1", ...more };
    await this.post("storage", "b", bucket, { project: DEFAULTS.project });
  }

  async account(id: string): Promise<string> {
    await this.post("iam", `projects/${DEFAULTS.project}/serviceAccounts`, {
      accountId: id,
    });
    return this.email(id);
  }

  /** An image that is in the registry without a build, tagged `1`; a stub needs no files of it. */
  image(name: string, folder = "/nowhere"): void {
    this.server.cloud.state.images.push({
      name,
      tags: ["1"],
      digest: `sha256:${name.split("/").at(-1)}`,
      uploadTime: "2026-01-01T00:00:00Z",
      sizeBytes: 1,
      folder,
    });
  }

  upload(bucket: string, name: string, text: string, query = {}): Promise<any> {
    return this.client.request({
      service: "storage",
      path: `b/${bucket}/o`,
      method: "POST",
      query: { uploadType: "media", name, ...query },
      media: { type: "text/plain", bytes: Buffer.from(text) },
      retry: { deadlineSeconds: 0 },
    });
  }

  /** Adds a member to a bucket's policy. */
  async grant(
    bucket: string,
    role: string,
    member: string,
    expression?: string,
  ): Promise<any> {
    const path = `b/${bucket}/iam`;
    const policy = await this.get("storage", path);
    const condition = expression ? { title: "test", expression } : undefined;
    const binding = {
      role,
      members: [member],
      ...(condition && { condition }),
    };
    return this.client.request({
      service: "storage",
      path,
      method: "PUT",
      body: {
        ...policy,
        version: condition ? 3 : 1,
        bindings: [...policy.bindings, binding],
      },
    });
  }

  /** Text of all log entries of a job, service or build. */
  logOf(label: string, value: string): string[] {
    return this.server.cloud.state.logEntries
      .filter(({ resource }) => resource.labels[label] === value)
      .map(
        ({ textPayload, jsonPayload }) => textPayload ?? jsonPayload?.message,
      );
  }
}
