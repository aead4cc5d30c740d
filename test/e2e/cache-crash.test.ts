import assert from "node:assert/strict";
import process, { kill } from "node:process";
import { after, describe, test } from "node:test";
import { setTimeout as delay } from "node:timers/promises";
import { startAtoll } from "../support/atoll.ts";
import { open } from "../support/exchange.ts";
import { sendObject, startObjectOrigin } from "../support/object-origin.ts";
import { octetsOf } from "../support/octets.ts";
import { noProcesses } from "../support/processes.ts";
import { inParallel } from "../support/until.ts";
import { createEndpoint, createSpace, hostOf, originOf } from "../support/world.ts";

/** Ten in CI; a hundred to be sure. */
const ROUNDS = Number(process.env["ATOLL_TEST_KILLS"] ?? 10);
const LANES = 12;
const SPACE = "crashing";
const HOST = hostOf(SPACE);
const KIB = 1024;
/** Longer bodies are kept in parts of it. */
const SLICE_BYTES = 1_024 * KIB;
const WORKERS = 2;

/** An object of the store, and what readers may not be answered with any more. */
interface Held {
  readonly target: string;
  readonly length: number;
  version: number;
  /** The version that it had when the last purge of it was acknowledged. */
  floor: number;
}

const LENGTHS = [1, 900, 4 * KIB, 70 * KIB, 700 * KIB, 1_024 * KIB, 1_500 * KIB, 4_000 * KIB];
const objects: readonly Held[] = Array.from({ length: 48 }, (_, i) => ({
  target: `/${i % 3}/${i}.bin`,
  length: (LENGTHS[i % LENGTHS.length] ?? 0) + i,
  version: 1,
  floor: 1,
}));
/** Of the store: while it is closed, what is answered was stored. */
let isOpen = true;

const stack = new AsyncDisposableStack();
after(() => stack.disposeAsync());
const origin = stack.use(
  await startObjectOrigin(async (request, response) => {
    const object = objects.find(({ target }) => target === request.url);
    if (!isOpen || object === undefined) {
      response.destroy();
      return;
    }
    const { target, length, version } = object;
    const fields = {
      etag: `"${version}"`,
      "cache-control": "max-age=86400",
      "cache-tag": `third-${target[1]}`,
    };
    // So that there are always some under way.
    const pace = () => delay(1);
    await sendObject(request, response, { name: nameOf(target, version), length, fields }, pace);
  }),
);
const atoll = stack.use(await startAtoll({ env: { ATOLL_EDGE_WORKERS: String(WORKERS) } }));
await createSpace(atoll, SPACE, { upstream: origin.url });
const { id } = await createEndpoint(atoll, originOf(SPACE));

function nameOf(target: string, version: number): string {
  return `${target} ${version}`;
}

/** How a request ended: whole, or cut off, or without an answer of the store's. */
type Ending = "whole" | "cut" | "failed";

/** Asks for an object, and compares what comes with what the store had, octet by octet. */
async function read(object: Held): Promise<{ readonly ending: Ending; readonly cache: string }> {
  const { target, floor, length } = object;
  const response = await open(atoll.runtime.edge + target, { headers: { host: HOST } });
  const cache = String(response.headers["x-cache"]);
  const chunks: Buffer[] = [];
  let ending: Ending = "whole";
  try {
    for await (const chunk of response) chunks.push(chunk as Buffer);
  } catch {
    ending = "cut";
  }
  if (response.statusCode !== 200) {
    assert(Number(response.statusCode) >= 502, `${target} is ${response.statusCode}`);
    return { ending: "failed", cache };
  }
  const body = Buffer.concat(chunks);
  const version = Number(/^"(\d+)"$/.exec(response.headers.etag ?? "")?.[1]);
  assert(version >= floor, `${target} is version ${version}, purged at ${floor}`);
  if (ending === "whole") assert.equal(body.length, length, target);
  const expected = octetsOf(nameOf(target, version), 0, body.length);
  assert(body.equals(expected), `${target}, version ${version}, ${cache}: other octets`);
  return { ending, cache };
}

/**
 * Reads until it gets all. What is there in part, of a version that the store has no more, breaks off:
 * once for each worker that had its head.
 */
async function readWhole(object: Held): Promise<void> {
  for (let cuts = 0; (await read(object)).ending !== "whole"; cuts += 1) {
    assert(cuts < WORKERS && object.length > SLICE_BYTES, `${object.target} broke off`);
  }
}

/** Changes objects and purges them, in every way, until the program is gone. */
async function keepPurging(): Promise<void> {
  for (let turn = 0; ; turn += 1) {
    const third = turn % 3;
    const [some, files] = [
      [objects.slice(turn % 40, (turn % 40) + 3), undefined],
      [objects.filter(({ target }) => target.startsWith(`/${third}/`)), [`${third}/*`]],
      [objects.filter(({ target }) => target.startsWith(`/${third}/`)), [`tag:third-${third}`]],
      [objects, ["*"]],
    ][[0, 0, 1, 0, 0, 2, 0, 3][turn % 8] ?? 0] as [readonly Held[], string[] | undefined];
    for (const object of some) object.version += 1;
    const versions = some.map(({ version }) => version);
    const body = { files: files ?? some.map(({ target }) => target) };
    try {
      const reply = await atoll.api("DELETE", `/v2/cdn/endpoints/${id}/cache`, { body });
      assert.equal(reply.status, 204, reply.text);
    } catch (error) {
      if (error instanceof assert.AssertionError) throw error;
      return; // The connection ended with the program.
    }
    for (const [i, object] of some.entries()) object.floor = versions[i] ?? 0;
    await delay(30);
  }
}

/** Reads until the program is gone, and tells of each answer. */
async function keepReading(lane: number, answered: () => void): Promise<void> {
  for (let turn = lane; ; turn += LANES - 1) {
    const object = objects[turn % objects.length];
    assert(object !== undefined);
    try {
      await read(object);
    } catch (error) {
      if (error instanceof assert.AssertionError) throw error;
      return;
    }
    answered();
  }
}

function killAll(): void {
  for (const pid of [atoll.runtime.pid, ...atoll.workers]) kill(pid, "SIGKILL");
}

describe("kill -9 of all processes amid fills and purges", { skip: noProcesses }, () => {
  let warm = 0;

  for (let round = 1; round <= ROUNDS; round += 1) {
    test(`leaves whole objects or none, and none that was purged, round ${round}`, async () => {
      let answers = 0;
      const killAt = 60 + ((round * 37) % 140);
      const lanes = Array.from({ length: LANES }, (_, lane) =>
        keepReading(lane, () => {
          answers += 1;
          if (answers === killAt) killAll();
        }),
      );
      await Promise.all([...lanes, keepPurging()]);
      await atoll.kill(); // It is dead already: this waits until its workers are, too.
      isOpen = false;
      await atoll.start();
      const found = await inParallel(objects, 4, read);
      for (const [i, { ending, cache }] of found.entries()) {
        if (ending === "failed") continue;
        assert.equal(cache, "HIT");
        // Slices that are not there cannot be fetched now.
        if (ending === "cut") assert(Number(objects[i]?.length) > SLICE_BYTES);
        else warm += 1;
      }
      isOpen = true;
      await inParallel(objects, 4, readWhole);
    });
  }

  test("leaves what was stored long enough before, warm at once", () => {
    assert(warm > ROUNDS, `${warm} whole objects after ${ROUNDS} rounds`);
  });
});
