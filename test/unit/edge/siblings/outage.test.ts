import assert from "node:assert/strict";
import { once } from "node:events";
import { createServer, type Socket } from "node:net";
import { test } from "node:test";
import { ORIGIN_DOWN_AFTER_FAILURES, ORIGIN_PROBE_DELAY_MAX_MS } from "#edge/limits.ts";
import { startWorkers } from "./support.ts";

/** Accepts whatever comes, and says nothing. */
async function startSilence(port: number): Promise<AsyncDisposable> {
  const sockets = new Set<Socket>();
  const server = createServer((socket) => void sockets.add(socket.on("error", () => undefined)));
  server.listen(port, "127.0.0.1");
  await once(server, "listening");
  return {
    [Symbol.asyncDispose]: async () => {
      for (const socket of sockets) socket.destroy();
      await server[Symbol.asyncDispose]();
    },
  };
}

test("a failure that a sibling remembers is not for a worker that has something to confirm", async () => {
  let isWell = true;
  const fields = { "cache-control": "max-age=1, must-revalidate", etag: '"a"' };
  await using workers = await startWorkers((_incoming, response) => {
    if (isWell) response.writeHead(200, fields).end("well");
    else response.writeHead(503).end("trouble");
  });
  const [owner, other] = [workers.ownerOf("/a"), workers.otherOf("/a")];
  // As when the owner was started anew: it has nothing that it would have to confirm.
  other.siblings.update([]);
  assert.equal((await other.get("/a")).status, 200);
  other.siblings.update([owner.address]);
  isWell = false;
  assert.equal((await owner.get("/a")).status, 503);
  isWell = true;
  workers.clock.advance(2_000);
  assert.equal((await owner.get("/a")).fields["x-cache"], "HIT");
  const { status, text } = await other.get("/a");
  assert.deepEqual([status, text], [200, "well"]);
  assert.equal((await owner.get("/a")).status, 200);
});

test("a worker waits for no look at a silent origin that its sibling takes for it", async (context) => {
  const fields = { "cache-control": "max-age=60, stale-if-error=3600", etag: '"a"' };
  await using workers = await startWorkers(
    (_incoming, response) => void response.writeHead(200, fields).end("old"),
    { proxy: true },
  );
  const { clock } = workers;
  const [owner, other] = [workers.ownerOf("/a"), workers.otherOf("/a")];
  assert.equal((await other.get("/a")).status, 200);
  clock.advance(61_000);
  workers.endOrigin();
  for (let i = 0, down = 0; down < ORIGIN_DOWN_AFTER_FAILURES; i += 1) {
    if (workers.ownerOf(`/${i}`) !== owner) continue;
    assert.equal((await owner.get(`/${i}`)).status, 502);
    down += 1;
  }
  await using _silence = await startSilence(Number(new URL(workers.originUrl).port));
  clock.advance(ORIGIN_PROBE_DELAY_MAX_MS);
  // Who waited would do so for ever.
  context.mock.timers.enable({ apis: ["setTimeout"] });
  const { status, text, fields: said } = await other.get("/a");
  assert.deepEqual([status, text, said["x-cache"]], [200, "old", "STALE"]);
});
