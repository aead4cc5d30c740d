import assert from "node:assert/strict";
import { randomBytes } from "node:crypto";
import { readFileSync } from "node:fs";
import process from "node:process";
import { after, describe, test } from "node:test";
import { startAtoll } from "../support/atoll.ts";
import { open } from "../support/exchange.ts";
import { noProcesses } from "../support/processes.ts";
import { startUpstream } from "../support/upstream.ts";
import { createEndpoint, createSpace, hostOf, originOf } from "../support/world.ts";

const CROWD = Number(process.env["ATOLL_TEST_CROWD"] ?? 200);
const WORKERS = 2;
const SIZE = 50 * 1_048_576;
const WORKER_BYTES_MAX = 300 * 1_048_576;

const bytes = randomBytes(SIZE);
const upstream = await startUpstream((_, response) => {
  response.setHeader("content-length", String(SIZE));
  response.end(bytes);
});
after(() => upstream[Symbol.asyncDispose]());
const atoll = await startAtoll({ env: { ATOLL_EDGE_WORKERS: String(WORKERS) } });
after(() => atoll[Symbol.asyncDispose]());
await createSpace(atoll, "large", { upstream: upstream.url });
await createEndpoint(atoll, originOf("large"));

/** Whether a whole, right body came; compared as it comes, so that none is held here. */
async function arrivesWhole(target: string): Promise<boolean> {
  const headers = { host: hostOf("large") };
  const response = await open(atoll.runtime.edge + target, { headers });
  let at = 0;
  for await (const chunk of response as AsyncIterable<Buffer>) {
    if (bytes.compare(chunk, 0, chunk.length, at, at + chunk.length) !== 0) return false;
    at += chunk.length;
  }
  return at === SIZE;
}

/** The most memory that a process has had resident so far. */
function peakBytes(pid: number): number {
  const kilobytes = /^VmHWM:\s+(\d+) kB$/m.exec(readFileSync(`/proc/${pid}/status`, "utf8"))?.[1];
  return Number(kilobytes) * 1_024;
}

describe(`${CROWD} requests at once for one cold object of 50 MiB`, { skip: noProcesses }, () => {
  test("cost one fetch for each worker at most, and every body is right", async () => {
    const whole = await Promise.all(Array.from({ length: CROWD }, () => arrivesWhole("/cold.bin")));
    assert(whole.every(Boolean));
    assert(upstream.fetches("/cold.bin") <= WORKERS, String(upstream.fetches("/cold.bin")));
  });

  test("leave each worker below 300 MiB", (t) => {
    for (const worker of atoll.workers) {
      t.diagnostic(`at its peak: ${Math.round(peakBytes(worker) / 1_048_576)} MiB`);
      assert(peakBytes(worker) < WORKER_BYTES_MAX, `${peakBytes(worker) / 1_048_576} MiB`);
    }
  });

  test("are not slowed by one reader that has stopped reading", async () => {
    const headers = { host: hostOf("large") };
    const slow = await open(`${atoll.runtime.edge}/shared.bin`, { headers });
    slow.pause();
    const whole = await Promise.all(Array.from({ length: 8 }, () => arrivesWhole("/shared.bin")));
    assert(whole.every(Boolean));
    slow.destroy();
  });
});
