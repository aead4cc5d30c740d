import assert from "node:assert/strict";
import { readdirSync, readFileSync } from "node:fs";
import { mkdtempDisposable } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { kill } from "node:process";
import { describe, test } from "node:test";
import { COMPILE_CACHE } from "#compile-cache.ts";
import { startEdgeAlone } from "../support/edge-alone.ts";
import { exchange } from "../support/exchange.ts";
import { noProcesses } from "../support/processes.ts";
import { until } from "../support/until.ts";
import { startUpstream } from "../support/upstream.ts";

describe("a worker of an edge with a disk", { skip: noProcesses }, () => {
  test("leaves nothing unfinished there when it is killed", async () => {
    await using folder = await mkdtempDisposable(join(tmpdir(), "atoll-gone-"));
    await using upstream = await startUpstream((_, response) => {
      response.setHeader("cache-control", "max-age=60").end("body");
    });
    const args = ["--disk", folder.path, "--workers", "1"];
    await using edge = await startEdgeAlone({ origin: upstream.url, args });
    const [worker = 0] = edge.workers;
    const unfinished = (): string[] =>
      readdirSync(join(folder.path, "v1")).filter((name) => name.endsWith(`-${worker}`));
    await exchange(`${edge.url}/a`);
    await until("the worker has a place for what it writes", () => unfinished().length > 0);
    kill(worker, "SIGKILL");
    await until("it is removed", () => unfinished().length === 0);
    const [next = 0] = await until("there is another worker", () => {
      const { workers } = edge;
      return workers.length > 0 && !workers.includes(worker) && workers;
    });
    assert.notEqual(next, worker);
  });

  test("has threads enough for a disk that hangs, a cache of code, and no other variable", async () => {
    await using upstream = await startUpstream((_, response) => void response.end());
    await using edge = await startEdgeAlone({ origin: upstream.url, args: ["--workers", "1"] });
    const [worker = 0] = edge.workers;
    const variables = readFileSync(`/proc/${worker}/environ`, "utf8").split("\0");
    const ours = variables.filter((one) => one !== "" && !one.startsWith("NODE_CHANNEL_"));
    assert.deepEqual(ours.toSorted(), [
      `NODE_COMPILE_CACHE=${COMPILE_CACHE}`,
      "UV_THREADPOOL_SIZE=8",
    ]);
  });
});
