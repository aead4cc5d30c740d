import assert from "node:assert/strict";
import process from "node:process";
import { after, describe, test } from "node:test";
import { startAtoll } from "../support/atoll.ts";
import { noProcesses, residentBytes } from "../support/processes.ts";
import { inParallel, until } from "../support/until.ts";
import { hostOf, originOf, putObject } from "../support/world.ts";

/** 100,000 is the real thing; fewer find the same mistakes in the time that CI has. */
const TOTAL = Number(process.env["ATOLL_TEST_ENDPOINTS"] ?? 10_000);
const LANES = 32;
const LIST = "/v2/cdn/endpoints";

const atoll = await startAtoll();
after(() => atoll[Symbol.asyncDispose]());

async function createMany(from: number, count: number): Promise<number> {
  const startedAt = performance.now();
  const numbers = Array.from({ length: count }, (_, index) => from + index);
  await inParallel(numbers, LANES, async (number) => {
    const body = { origin: originOf(`space-${number}`) };
    const reply = await atoll.api("POST", LIST, { body });
    assert.equal(reply.status, 201, reply.text);
  });
  return (performance.now() - startedAt) / count;
}

/** The quickest of some: what the work takes when nothing else has the processor. */
async function quickestMs(times: number, work: () => Promise<unknown>): Promise<number> {
  const took: number[] = [];
  for (let turn = 0; turn < times; turn += 1) {
    const startedAt = performance.now();
    await work();
    took.push(performance.now() - startedAt);
  }
  return Math.min(...took);
}

describe(`with ${TOTAL} endpoints`, { skip: noProcesses }, () => {
  test("creating one more takes no longer than it did at the beginning", async () => {
    const share = TOTAL / 10;
    await createMany(0, share); // Warms up; not compared.
    const early = await createMany(share, share);
    await createMany(2 * share, TOTAL - 3 * share);
    const late = await createMany(TOTAL - share, share);
    assert(late < 3 * early, `${early} ms each at the beginning, ${late} ms at the end`);
  });

  for (const page of [1, Math.ceil(TOTAL / 200)]) {
    test(`a page of 200, number ${page}, takes less than 20 ms`, async () => {
      const ms = await quickestMs(20, async () => {
        const { json } = await atoll.api("GET", `${LIST}?per_page=200&page=${page}`);
        assert.equal(json.endpoints.length, 200);
        assert.equal(json.meta.total, TOTAL);
      });
      assert(ms < 20, `${ms} ms`);
    });
  }

  test("a worker takes over in less than 2 s and stays below 200 MiB", async () => {
    const last = TOTAL - 1;
    await putObject(atoll, `space-${last}`, "a.txt", "served");
    const [crashed = 0] = atoll.workers;
    const startedAt = performance.now();
    process.kill(crashed, "SIGKILL");
    await until("the new worker serves", async () => {
      const reply = await atoll.edge(hostOf(`space-${last}`), "/a.txt").catch(() => undefined);
      return reply?.text === "served";
    });
    const tookMs = performance.now() - startedAt;
    assert(tookMs < 2_000, `${tookMs} ms`);
    const [worker = 0] = atoll.workers;
    const megabytes = residentBytes(worker) / 1_048_576;
    assert(megabytes < 200, `${megabytes} MiB`);
  });
});
