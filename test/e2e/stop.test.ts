import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { once } from "node:events";
import { kill } from "node:process";
import { describe, test } from "node:test";
import { startAtoll } from "../support/atoll.ts";
import { exchange, open } from "../support/exchange.ts";
import { isAlive, noProcesses } from "../support/processes.ts";
import { until } from "../support/until.ts";
import { startUpstream } from "../support/upstream.ts";
import { createEndpoint, createSpace, hostOf, originOf, putObject } from "../support/world.ts";

describe("SIGTERM", () => {
  test("lets a download that is under way finish, then ends with exit code 0", async () => {
    const release = Promise.withResolvers<void>();
    await using upstream = await startUpstream(async (_, response) => {
      response.setHeader("content-length", "10");
      response.write("first");
      await release.promise;
      response.end("-rest");
    });
    await using atoll = await startAtoll();
    await createSpace(atoll, "slow", { upstream: upstream.url });
    await createEndpoint(atoll, originOf("slow"));
    const headers = { host: hostOf("slow") };
    const response = await open(`${atoll.runtime.edge}/a.txt`, { headers });
    const [first] = (await once(response, "data")) as [Buffer];
    const api = atoll.url;

    const stopped = atoll.stop();
    await until("new connections are refused", async () => {
      return exchange(`${api}/healthz`).then(
        () => false,
        () => true,
      );
    });
    release.resolve();
    const rest: Buffer[] = [];
    for await (const chunk of response) rest.push(chunk as Buffer);
    assert.equal(Buffer.concat([first, ...rest]).toString(), "first-rest");
    await stopped;
  });

  test("lets an embedded object that is too large to be stored go on to its end", async () => {
    await using atoll = await startAtoll({ env: { ATOLL_EDGE_MEMORY_BYTES: "16777216" } });
    await createEndpoint(atoll, originOf("large"));
    const object = Buffer.alloc(24 * 1_024 * 1_024, "abcdefgh");
    await putObject(atoll, "large", "object", object);
    const headers = { host: hostOf("large") };
    const response = await open(`${atoll.runtime.edge}/object`, { headers });
    // Nothing is read: most of it still waits at the origin when the end comes.
    response.pause();
    const api = atoll.url;
    const stopped = atoll.stop();
    await until("new connections are refused", async () => {
      return exchange(`${api}/healthz`).then(
        () => false,
        () => true,
      );
    });
    const hash = createHash("sha256");
    for await (const chunk of response) hash.update(chunk as Buffer);
    assert.equal(hash.digest("hex"), createHash("sha256").update(object).digest("hex"));
    await stopped;
  });

  test("is not held up by connections that are idle", async () => {
    await using atoll = await startAtoll();
    await atoll.api("GET", "/v2/account"); // Its connection is kept alive.
    const startedAt = performance.now();
    await atoll.stop();
    assert(performance.now() - startedAt < 4_000);
  });

  test("leaves all that was acknowledged for the next start", async () => {
    await using atoll = await startAtoll();
    const endpoint = await createEndpoint(atoll, originOf("kept"), { ttl: 600 });
    await putObject(atoll, "kept", "a.txt", "kept bytes");
    await atoll.restart();
    const { json } = await atoll.api("GET", `/v2/cdn/endpoints/${endpoint.id}`);
    assert.deepEqual(json.endpoint, endpoint);
    assert.equal((await atoll.edge(hostOf("kept"), "/a.txt")).text, "kept bytes");
  });
});

describe("SIGINT", () => {
  test("ends it with exit code 0 too, and its workers with it", { skip: noProcesses }, async () => {
    await using atoll = await startAtoll();
    const { workers } = atoll;
    assert(workers.length > 0);
    kill(atoll.runtime.pid, "SIGINT");
    await atoll.stop();
    assert.deepEqual(workers.filter(isAlive), []);
  });
});

describe("SIGKILL", { skip: noProcesses }, () => {
  test("leaves no worker behind that serves on, and the next start is as any other", async () => {
    await using atoll = await startAtoll({ env: { ATOLL_EDGE_WORKERS: "2" } });
    const endpoint = await createEndpoint(atoll, originOf("killed"));
    await putObject(atoll, "killed", "a.txt", "bytes");
    await atoll.edge(hostOf("killed"), "/a.txt");
    const { edge } = atoll.runtime;
    const { workers } = atoll;
    assert.equal(workers.length, 2);
    await atoll.kill(); // Waits until the workers have ended by themselves.
    assert.deepEqual(workers.filter(isAlive), []);
    await assert.rejects(exchange(`${edge}/a.txt`, { headers: { host: hostOf("killed") } }));
    await atoll.start();
    const { json } = await atoll.api("GET", `/v2/cdn/endpoints/${endpoint.id}`);
    assert.deepEqual(json.endpoint, endpoint);
    assert.equal((await atoll.edge(hostOf("killed"), "/a.txt")).text, "bytes");
  });
});
