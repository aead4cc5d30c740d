import assert from "node:assert/strict";
import process from "node:process";
import { after, describe, test } from "node:test";
import { setImmediate as turn } from "node:timers/promises";
import { startAtoll } from "../support/atoll.ts";
import { inParallel, until } from "../support/until.ts";
import { startUpstream } from "../support/upstream.ts";
import { createEndpoint, createSpace, hostOf, originOf } from "../support/world.ts";

const ROUNDS = Number(process.env["ATOLL_TEST_ROUNDS"] ?? 20);
const FILLS = Number(process.env["ATOLL_TEST_FILLS"] ?? 200);
const LANES = 32;
const WORKERS = 2;

/** What the store holds now: each fetch answers with the version as it was when it came. */
let version = 0;
/** While it is there, what is fetched stays open until it resolves. */
let held: Promise<void> | undefined;
const upstream = await startUpstream(async (_, response) => {
  const began = version;
  await (held ?? turn()); // Let a purge overtake this fill.
  response.write(String(began).padEnd(8));
  await turn();
  response.end("x".repeat(1_000));
});
after(() => upstream[Symbol.asyncDispose]());
const atoll = await startAtoll({ env: { ATOLL_EDGE_WORKERS: String(WORKERS) } });
after(() => atoll[Symbol.asyncDispose]());
await createSpace(atoll, "racing", { upstream: upstream.url });
const { id } = await createEndpoint(atoll, originOf("racing"));
const targets = Array.from({ length: FILLS }, (_, index) => `/${index}.txt`);

async function versionAt(target: string): Promise<number> {
  const reply = await atoll.edge(hostOf("racing"), target);
  assert.equal(reply.status, 200);
  return Number(reply.text.slice(0, 8));
}

describe("a purge that races fills", () => {
  test(`leaves no old bytes for a request that begins after its 204, in ${ROUNDS} rounds`, async () => {
    /** What each target may not be older than, for requests that begin from now on. */
    const floors = targets.map(() => version);
    const read = async (index: number) => {
      const floor = floors[index] ?? 0;
      const found = await versionAt(targets[index] ?? "");
      assert(found >= floor, `${targets[index]} is version ${found}, purged at ${floor}`);
    };
    for (let round = 0; round < ROUNDS; round += 1) {
      const readers = inParallel([...targets.keys()], LANES, read);
      version += 1;
      const now = version;
      const some = targets.slice(0, 50);
      const body = { files: round % 2 === 0 ? ["*"] : some };
      const reply = await atoll.api("DELETE", `/v2/cdn/endpoints/${id}/cache`, { body });
      assert.equal(reply.status, 204);
      floors.fill(now, 0, round % 2 === 0 ? targets.length : some.length);
      await inParallel([...some.keys()], LANES, read);
      await readers;
    }
  });

  test("does not let a later request join a fill that began before it", async () => {
    const release = Promise.withResolvers<void>();
    held = release.promise;
    const target = "/held.txt";
    const before = upstream.fetches(target);
    const early = Array.from({ length: 40 }, () => versionAt(target));
    await until("it is fetched", () => upstream.fetches(target) > before);
    held = undefined;
    version += 1;
    await atoll.api("DELETE", `/v2/cdn/endpoints/${id}/cache`, { body: { files: ["held.txt"] } });
    assert.equal(await versionAt(target), version);
    release.resolve();
    await Promise.all(early);
    for (let turns = 0; turns < 20; turns += 1) assert.equal(await versionAt(target), version);
  });
});
