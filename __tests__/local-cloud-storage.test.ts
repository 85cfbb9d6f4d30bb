import { existsSync, readFileSync } from "node:fs";
import { LocalCloud } from "./local-cloud";

describe("Cloud Storage of a local cloud", () => {
  let cloud: LocalCloud;
  beforeAll(async () => {
    cloud = await LocalCloud.start();
    await cloud.bucket("plain");
    await cloud.bucket("versioned", {
      versioning: { enabled: true },
      iamConfiguration: { publicAccessPrevention: "enforced" },
    });
    await cloud.account("train-sa");
  });
  afterAll(() => cloud.close());

  const object = (bucket: string, name: string, query = {}) =>
    cloud.get("storage", `b/${bucket}/o/${encodeURIComponent(name)}`, query);

  test("keeps an object with its checksums", async () => {
    // Of "123456789": the check value of CRC-32C's definition.
    await cloud.upload("plain", "a/digits", "123456789");

    expect(await object("plain", "a/digits")).toMatchObject({
      size: "9",
      crc32c: "4waSgw==",
      md5Hash: "JfnnlDI7RTiF9RgfG2JNCw==",
      contentType: "text/plain",
      metageneration: "1",
    });
  });

  test("fails when an object is there and generation 0 is asked for", async () => {
    await cloud.upload("plain", "once", "first", { ifGenerationMatch: "0" });

    expect(
      await cloud.refusal(
        cloud.upload("plain", "once", "second", { ifGenerationMatch: "0" }),
      ),
    ).toBe(
      "412 At least one of the pre-conditions you specified did not hold.",
    );
    expect(await object("plain", "once", { alt: "media" })).toBe("first");
  });

  test("of two writers who both want to be first, one is", async () => {
    const results = await Promise.allSettled(
      ["a", "b", "c"].map((text) =>
        cloud.upload("plain", "race", text, { ifGenerationMatch: "0" }),
      ),
    );

    expect(results.filter(({ status }) => status === "fulfilled")).toHaveLength(
      1,
    );
  });

  test("keeps noncurrent versions where the bucket has versioning", async () => {
    const { generation } = await cloud.upload("versioned", "v", "old");
    await cloud.upload("versioned", "v", "new");
    const all = await cloud.get("storage", "b/versioned/o", {
      versions: "true",
    });

    expect(all.items).toHaveLength(2);
    expect(await object("versioned", "v", { alt: "media" })).toBe("new");
    expect(await object("versioned", "v", { alt: "media", generation })).toBe(
      "old",
    );
    expect(
      await cloud.refusal(
        cloud.client.request({
          service: "storage",
          path: "b/versioned",
          method: "DELETE",
        }),
      ),
    ).toBe("409 The bucket you tried to delete is not empty.");
  });

  test("lists by prefix, delimiter, glob and page", async () => {
    await cloud.bucket("listed");
    for (const name of ["m/1/_SUCCESS", "m/1/x", "m/2/_SUCCESS", "n"]) {
      await cloud.upload("listed", name, "");
    }
    const names = async (query: object) => {
      const answer = await cloud.get("storage", "b/listed/o", query);
      return [
        ...(answer.items ?? []).map(({ name }: any) => name),
        ...(answer.prefixes ?? []),
      ];
    };

    expect(await names({ delimiter: "/" })).toEqual(["n", "m/"]);
    expect(await names({ prefix: "m/", delimiter: "/" })).toEqual([
      "m/1/",
      "m/2/",
    ]);
    expect(await names({ matchGlob: "m/*/_SUCCESS" })).toEqual([
      "m/1/_SUCCESS",
      "m/2/_SUCCESS",
    ]);
    const { nextPageToken } = await cloud.get("storage", "b/listed/o", {
      maxResults: "3",
    });
    expect(await names({ pageToken: nextPageToken })).toEqual(["n"]);
  });

  test("lets a conditional grant reach only the names of its condition", async () => {
    const member = `serviceAccount:${cloud.email("train-sa")}`;
    await cloud.grant("plain", "roles/storage.objectCreator", member);
    await cloud.grant(
      "plain",
      "roles/storage.objectUser",
      member,
      'resource.name.startsWith("projects/_/buckets/plain/objects/checkpoints/")',
    );
    await cloud.upload("plain", "checkpoints/1", "x");
    await cloud.upload("plain", "published", "x");
    const remove = (name: string) =>
      cloud.refusal(
        cloud.as("train-sa").request({
          service: "storage",
          path: `b/plain/o/${encodeURIComponent(name)}`,
          method: "DELETE",
        }),
      );

    expect(await remove("published")).toContain(
      "403 train-sa@local-project.iam.gserviceaccount.com does not have storage.objects.delete access",
    );
    expect(await remove("checkpoints/1")).toBe("(not refused)");
  });

  test("fails when a condition does not compile", async () => {
    expect(
      await cloud.refusal(
        cloud.grant(
          "plain",
          "roles/storage.objectUser",
          `serviceAccount:${cloud.email("train-sa")}`,
          "resource.colour == 'red'",
        ),
      ),
    ).toContain("400 Condition expression compilation failed");
  });

  test("fails when everybody is let in and public access prevention is on", async () => {
    const call = cloud.grant(
      "versioned",
      "roles/storage.objectViewer",
      "allUsers",
    );

    expect(await cloud.refusal(call)).toContain(
      "412 The member bindings allUsers",
    );
  });

  test("shows the live objects as files for a volume", async () => {
    const { view } = cloud.server.cloud.objects.bucketFolder("plain");
    await cloud.upload("plain", "folder/file", "content");

    expect(readFileSync(`${view}/folder/file`, "utf8")).toBe("content");
    await cloud.client.request({
      service: "storage",
      path: "b/plain/o/folder%2Ffile",
      method: "DELETE",
    });
    expect(existsSync(`${view}/folder`)).toBe(false);
  });

  test("keeps names that are no paths out of the folder", async () => {
    const folder = cloud.server.cloud.objects.bucketFolder("plain");

    for (const name of ["../up", "a/../../up", "/etc/passwd", "a//b"]) {
      expect(folder.path(name)).toBeUndefined();
    }
  });
});
