import assert from "node:assert/strict";
import { once } from "node:events";
import { type AddressInfo, createServer, type Socket } from "node:net";
import { describe, test } from "node:test";
import { manualClock } from "#clock.ts";
import { ORIGINS_MAX } from "#edge/limits.ts";
import { HttpOrigin } from "#edge/origin/http-origin.ts";
import type { OriginFailure, OriginResponse } from "#edge/origin/origin.ts";
import { ENDPOINT, ok, REQUEST, readBody } from "./support.ts";

const NOBODY_LEAVES = new AbortController().signal;

/** Any number of origins, which are one server under all addresses of the loopback. */
async function startMany(answer: string) {
  const sockets = new Set<Socket>();
  const server = createServer((socket) => {
    sockets.add(socket);
    socket.on("close", () => sockets.delete(socket));
    socket.on("error", () => undefined);
    socket.on("data", () => void socket.write(answer));
  });
  server.listen({ host: "0.0.0.0", port: 0, backlog: 1_024 });
  await once(server, "listening");
  const { port } = server.address() as AddressInfo;
  const client = new HttpOrigin({ port: 0, secret: "" }, manualClock(0));
  return {
    sockets,
    fetch: (n: number): Promise<OriginResponse | OriginFailure> => {
      const url = `http://127.1.${Math.floor(n / 200)}.${1 + (n % 200)}:${port}`;
      const endpoint = { ...ENDPOINT, role: "proxy" as const, upstream: { url } };
      return client.fetch({ ...REQUEST, endpoint }, NOBODY_LEAVES);
    },
    [Symbol.asyncDispose]: async () => {
      await client.close();
      for (const socket of sockets) socket.destroy();
      await server[Symbol.asyncDispose]();
    },
  };
}

const ALL = Array.from({ length: ORIGINS_MAX }, (_, n) => n);

describe("as many origins as may have connections", () => {
  test("make room for one more if nothing is fetched from one of them", async () => {
    await using many = await startMany(ok("ok"));
    for (const response of await Promise.all(ALL.map((n) => many.fetch(n)))) {
      assert(response.kind === "response");
      await readBody(response);
    }
    const more = await many.fetch(ORIGINS_MAX);
    assert(more.kind === "response");
    assert.equal((await readBody(more)).text, "ok");
    assert(many.sockets.size <= ORIGINS_MAX + 1);
  });

  test("have none for another while all are in use, which is a 503", async () => {
    await using many = await startMany("HTTP/1.1 200 OK\r\n\r\nnever ends");
    await Promise.all(ALL.map((n) => many.fetch(n)));
    const failure = await many.fetch(ORIGINS_MAX);
    assert(failure.kind === "failed");
    assert.equal(failure.status, 503);
    assert.equal(failure.detail, "origin-busy");
    assert.equal((await many.fetch(0)).kind, "response");
  });
});
