import assert from "node:assert/strict";
import { kill } from "node:process";
import { after, describe, test } from "node:test";
import { startAtoll } from "../support/atoll.ts";
import type { Reply } from "../support/exchange.ts";
import { noProcesses } from "../support/processes.ts";
import { until } from "../support/until.ts";
import { createEndpoint, freshName, hostOf, originOf, putObject } from "../support/world.ts";

const WORKERS = 2;
/** Connections enough to reach every worker: one is missed once in 2^40 runs. */
const CONNECTIONS = 40;
const LIST = "/v2/cdn/endpoints";

const atoll = await startAtoll({ env: { ATOLL_EDGE_WORKERS: String(WORKERS) } });
after(() => atoll[Symbol.asyncDispose]());

/** An endpoint over an embedded Space with `a.txt` in it. */
async function served(bytes: string) {
  const space = freshName();
  const { id } = await createEndpoint(atoll, originOf(space));
  await putObject(atoll, space, "a.txt", bytes);
  return { id, space, host: hostOf(space) };
}

async function purge(id: string): Promise<void> {
  const reply = await atoll.api("DELETE", `${LIST}/${id}/cache`, { body: { files: ["*"] } });
  assert.equal(reply.status, 204, reply.text);
}

describe("several workers", { skip: noProcesses }, () => {
  test("all forget what a 204 has purged, and all know a new endpoint", async () => {
    const { id, space, host } = await served("old");
    const everywhere = async () => {
      const replies: Reply[] = [];
      for (let sent = 0; sent < CONNECTIONS; sent += 1)
        replies.push(await atoll.edge(host, "/a.txt"));
      return {
        bodies: new Set(replies.map(({ text }) => text)),
        misses: replies.filter(({ headers }) => headers["x-cache"] === "MISS").length,
      };
    };
    assert.deepEqual(await everywhere(), { bodies: new Set(["old"]), misses: 1 });
    await putObject(atoll, space, "a.txt", "new");
    await purge(id);
    assert.deepEqual(await everywhere(), { bodies: new Set(["new"]), misses: 1 });
    await atoll.api("DELETE", `${LIST}/${id}`);
    assert.equal((await everywhere()).bodies.has("new"), false);
  });

  const changes = [
    { what: "a purge", method: "DELETE", path: "/ID/cache", body: { files: ["*"] }, status: 204 },
    { what: "an update", method: "PUT", path: "/ID", body: { ttl: 60 }, status: 200 },
    { what: "a deletion", method: "DELETE", path: "/ID", body: undefined, status: 204 },
    {
      what: "a creation",
      method: "POST",
      path: "",
      body: { origin: originOf("new") },
      status: 201,
    },
  ];
  for (const { what, method, path, body, status } of changes) {
    test(`all have acknowledged ${what} before it is answered`, async () => {
      const { id } = await served("a");
      for (const worker of atoll.workers) kill(worker, "SIGSTOP");
      const stoppedAt = performance.now();
      const target = LIST + path.replace("ID", id);
      const reply = atoll.api(method, target, { body }).then(({ status: answered }) => {
        return { answered, at: performance.now() };
      });
      await until("half a second passes", () => performance.now() - stoppedAt > 500);
      const continuedAt = performance.now();
      for (const worker of atoll.workers) kill(worker, "SIGCONT");
      const { answered, at } = await reply;
      assert.equal(answered, status);
      assert(at >= continuedAt, `answered ${continuedAt - at} ms before any worker could know`);
    });
  }

  test("are replaced when one crashes, and the new one knows every endpoint", async () => {
    const { host } = await served("a");
    const before = atoll.workers;
    assert.equal(before.length, WORKERS);
    for (const worker of before) kill(worker, "SIGKILL");
    await until("new workers answer", async () => {
      const reply = await atoll.edge(host, "/a.txt").catch(() => undefined);
      return reply?.text === "a";
    });
    await until("there are as many as before", () => atoll.workers.length === WORKERS);
    assert(atoll.workers.every((worker) => !before.includes(worker)));
  });

  test("that hang are replaced, and no reply waits for one longer than 2 seconds", async () => {
    const { id, host } = await served("a");
    const [stopped = 0] = atoll.workers;
    kill(stopped, "SIGSTOP");
    const startedAt = performance.now();
    await purge(id);
    const waitedMs = performance.now() - startedAt;
    assert(waitedMs < 3_500, `${waitedMs} ms`);
    await until("the hanging one is gone", () => !atoll.workers.includes(stopped));
    assert.equal((await atoll.edge(host, "/a.txt")).text, "a");
  });
});
