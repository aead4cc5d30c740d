import assert from "node:assert/strict";
import { once } from "node:events";
import { createServer, get, type IncomingMessage } from "node:http";
import { text } from "node:stream/consumers";
import { describe, test } from "node:test";
import { endpoint, host } from "./support.ts";
import { settingsOf, startWorker, Worker } from "./worker-process.ts";

async function ask(port: number): Promise<IncomingMessage & { body: string }> {
  const options = { port, host: "127.0.0.1", path: "/a", headers: { host }, agent: false };
  const [response] = (await once(get(options), "response")) as [IncomingMessage];
  return Object.assign(response, { body: await text(response) });
}

describe("an edge worker", () => {
  test("serves from its snapshot, and follows the feed", async () => {
    using started = await startWorker();
    const { worker } = started;
    const { port } = started;
    assert.equal((await ask(port)).headers["x-cache"], "MISS");
    assert.equal((await ask(port)).headers["x-cache"], "HIT");
    await worker.apply({ number: 8, kind: "purge", id: endpoint.id, patterns: ["/a"] });
    assert.equal((await ask(port)).headers["x-cache"], "MISS");
    await worker.apply({ number: 9, kind: "endpoint-delete", id: endpoint.id });
    assert.equal((await ask(port)).statusCode, 404);
    await worker.apply({ number: 10, kind: "endpoint-put", endpoint });
    assert.equal((await ask(port)).body, "/static.nyc3/a");
  });

  test("skips entries that its snapshot had already", async () => {
    using started = await startWorker();
    const { worker } = started;
    worker.tell({
      kind: "entries",
      entries: [{ number: 6, kind: "endpoint-delete", id: endpoint.id }],
    });
    assert.equal((await worker.hear("ack")).number, 7);
    assert.equal((await ask(started.port)).statusCode, 200);
  });

  test("shares its port with another", async () => {
    using first = await startWorker({ sharePort: true });
    using second = await startWorker({ port: first.port, sharePort: true });
    assert.equal(second.port, first.port);
  });

  test("has its port for itself where it is the only one", async () => {
    using first = await startWorker();
    using second = new Worker();
    const settings = { ...settingsOf(first.port), sharePort: true };
    second.tell({ kind: "start", settings, slot: 1 });
    second.tell({ kind: "serve" });
    assert.match((await second.hear("failed")).message, /EADDRINUSE/);
  });

  test("ignores signals, and exits 0 when it is told to stop", async () => {
    using started = await startWorker();
    const { worker } = started;
    worker.process.kill("SIGTERM");
    worker.process.kill("SIGINT");
    assert.equal((await ask(started.port)).statusCode, 200);
    worker.tell({ kind: "stop", graceMs: 5_000 });
    assert.deepEqual(await once(worker.process, "exit"), [0, null]);
  });

  test("exits at once when its channel closes", async () => {
    using started = await startWorker();
    const { worker } = started;
    worker.process.disconnect();
    const [code] = (await once(worker.process, "exit")) as [number];
    assert.equal(code, 1);
  });

  test("says why it cannot listen", async () => {
    const taken = createServer().listen(0, "127.0.0.1");
    await once(taken, "listening");
    const address = taken.address();
    assert(address !== null && typeof address === "object");
    using worker = new Worker();
    worker.tell({ kind: "start", settings: settingsOf(address.port), slot: 0 });
    worker.tell({ kind: "serve" });
    assert.match((await worker.hear("failed")).message, /EADDRINUSE/);
    taken.close();
  });
});
