import assert from "node:assert/strict";
import { createHash, randomBytes } from "node:crypto";
import { readFileSync } from "node:fs";
import { Agent } from "node:http";
import process from "node:process";
import { after, before, describe, test } from "node:test";
import { type Atoll, startAtoll } from "../support/atoll.ts";
import { exchange } from "../support/exchange.ts";
import { noProcesses } from "../support/processes.ts";
import { createProfessional, type Tenant } from "../support/registry.ts";

const PUSHES = 50;
const MIB = 1_048_576;
const PUSHED_MIB = Number(process.env["ATOLL_TEST_PUSHED_MIB"] ?? 64);
/** 231 to 247 MiB where nothing else runs (bench/RESULTS.md); on a busy machine the collector comes later. */
const MEMORY_BYTES_MAX = 288 * MIB;

describe(`${PUSHES} pushes of ${PUSHED_MIB} MiB at once`, { skip: noProcesses }, () => {
  let atoll: Atoll;
  let tenant: Tenant;
  const agent = new Agent({ keepAlive: true });
  before(async () => {
    atoll = await startAtoll();
    tenant = await createProfessional(atoll, "acme");
  });
  after(async () => {
    agent.destroy();
    await atoll[Symbol.asyncDispose]();
  });

  test("are all taken", async () => {
    const body = randomBytes(PUSHED_MIB * MIB);
    const digest = `sha256:${createHash("sha256").update(body).digest("hex")}`;
    const authorization = `Basic ${Buffer.from(`docker:${tenant.token}`).toString("base64")}`;
    const headers = { authorization, "content-type": "application/octet-stream" };
    const push = async (_: unknown, number: number): Promise<number> => {
      const target = `/v2/acme/image-${number}/blobs/uploads/?digest=${digest}`;
      const url = atoll.runtime.registry + target;
      return (await exchange(url, { method: "POST", headers, body, agent })).status;
    };
    const statuses = await Promise.all(Array.from({ length: PUSHES }, push));
    assert.deepEqual([...new Set(statuses)], [201]);
  });

  test(`leave the registry's process below ${MEMORY_BYTES_MAX / MIB} MiB`, (t) => {
    const peak = peakBytes(atoll.pid);
    t.diagnostic(`at its peak: ${Math.round(peak / MIB)} MiB`);
    assert(peak < MEMORY_BYTES_MAX, `${peak / MIB} MiB`);
  });
});

/** The most memory that a process has had resident so far. */
function peakBytes(pid: number): number {
  const kilobytes = /^VmHWM:\s+(\d+) kB$/m.exec(readFileSync(`/proc/${pid}/status`, "utf8"))?.[1];
  return Number(kilobytes) * 1_024;
}
