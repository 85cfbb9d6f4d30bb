import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { started, watchLiveness } from "../rehearsal/cloud/run/probes";

describe("probes of a local cloud's containers", () => {
  let server: Server;
  let asked: (string | undefined)[];
  let status: number;
  beforeEach(async () => {
    asked = [];
    status = 200;
    server = createServer(({ url, headers }, response) => {
      asked.push(`${url} ${headers["x-probe"]}`);
      response.writeHead(status).end();
    });
    await new Promise<void>((ready) => server.listen(0, "127.0.0.1", ready));
  });
  afterEach(async () => {
    server.closeAllConnections();
    await new Promise((closed) => server.close(closed));
  });

  const port = () => (server.address() as AddressInfo).port;
  const probe = (more: object = {}) => ({
    periodSeconds: 0.005,
    failureThreshold: 3,
    httpGet: {
      path: "/health",
      httpHeaders: [{ name: "x-probe", value: "1" }],
    },
    ...more,
  });
  const ports = [{ containerPort: 8000 }];
  const start = (startupProbe?: object) =>
    started({ startupProbe, ports }, port(), new AbortController().signal);

  test("ask at the path with the headers that they say", async () => {
    await start(probe());

    expect(asked).toEqual(["/health 1"]);
  });

  test("take an open port where there is no probe, and where it is one of TCP", async () => {
    await start();
    await start(probe({ httpGet: undefined, tcpSocket: {} }));

    expect(asked).toEqual([]);
  });

  test("fails when a container never answers well", async () => {
    status = 503;

    await expect(start(probe())).rejects.toThrow(
      "failed the configured startup probe checks",
    );
    expect(asked).toHaveLength(3);
  });

  test("of liveness give up after so many failures in a row", async () => {
    const dead = new Promise<void>((done) => {
      watchLiveness({ livenessProbe: probe() }, port(), done);
    });
    while (asked.length < 2) await new Promise((later) => setTimeout(later, 5));
    const before = asked.length;
    status = 500;
    await dead;

    expect(asked.length - before).toBeGreaterThanOrEqual(3);
  });

  test("of liveness end with the container, and are none where none is asked for", async () => {
    const onDead = jest.fn();
    status = 500;
    watchLiveness({ livenessProbe: probe() }, port(), onDead).abort();
    watchLiveness({}, port(), onDead);
    await new Promise((later) => setTimeout(later, 40));

    expect(onDead).not.toHaveBeenCalled();
  });
});
