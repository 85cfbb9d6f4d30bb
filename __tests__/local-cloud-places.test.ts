import { Places } from "../rehearsal/cloud/run/places";
import { RevisionInstance } from "../rehearsal/cloud/run/revision-instance";
import { LocalCloud } from "./local-cloud";

describe("places for requests at a revision", () => {
  beforeEach(() => jest.useFakeTimers());
  afterEach(() => jest.useRealTimers());

  test("go to who came first", async () => {
    const places = new Places(1);
    const order: string[] = [];
    await places.take(10);
    const [a, b] = ["a", "b"].map((name) =>
      places.take(10).then(() => order.push(name)),
    );

    places.free();
    await a;
    expect(order).toEqual(["a"]);
    places.free();
    await b;
    expect(order).toEqual(["a", "b"]);
  });

  test("fails when none comes free in time, and loses no place by that", async () => {
    const places = new Places(1);
    await places.take(10);
    const late = places.take(10);
    jest.advanceTimersByTime(10_000);

    await expect(late).rejects.toMatchObject({ code: 429 });
    places.free();
    await places.take(10);
  });

  test("are as many as all instances of the revision take at once", async () => {
    jest.useRealTimers();
    const cloud = await LocalCloud.start();
    const name = `${cloud.parent}/services/s/revisions/s-1`;
    cloud.server.cloud.state.revisions[name] = {
      name,
      maxInstanceRequestConcurrency: 2,
      scaling: { maxInstanceCount: 2 },
    };
    const instance = new RevisionInstance(cloud.server.cloud, name);
    jest.spyOn(instance, "ready").mockResolvedValue(8000);
    let now = 0;
    let most = 0;
    const request = () =>
      instance.during(async () => {
        most = Math.max(most, ++now);
        await new Promise((later) => setTimeout(later, 2));
        now -= 1;
      });
    await Promise.all(Array.from({ length: 9 }, request));

    expect([most, now]).toEqual([4, 0]);
    await instance.stop();
    await cloud.close();
  });
});
