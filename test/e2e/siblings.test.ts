import assert from "node:assert/strict";
import { kill } from "node:process";
import { after, describe, test } from "node:test";
import { ownerAmong } from "#edge/siblings/owner.ts";
import { Download } from "../support/download.ts";
import { type EdgeAlone, startEdgeAlone } from "../support/edge-alone.ts";
import { exchange } from "../support/exchange.ts";
import { sendObject, startObjectOrigin } from "../support/object-origin.ts";
import { octetsOf } from "../support/octets.ts";
import { noProcesses } from "../support/processes.ts";
import { inParallel, until } from "../support/until.ts";

const KIB = 1024;
const MIB = 1024 * KIB;
const WORKERS = 2;

const stack = new AsyncDisposableStack();
after(() => stack.disposeAsync());

/** What each path was asked for with, in order: "whole", or a range. */
const fetches = new Map<string, string[]>();
/** Where the origin rests until the gate of a path is opened. */
const gates = new Map<string, { readonly atBytes: number; readonly open: Promise<void> }>();

const origin = stack.use(
  await startObjectOrigin(async (request, response) => {
    const name = request.url ?? "";
    fetches.set(name, [...(fetches.get(name) ?? []), request.headers.range ?? "whole"]);
    const fields = { etag: `"${name}"`, "cache-control": "max-age=3600" };
    const gate = gates.get(name);
    await sendObject(request, response, { name, length: lengthOf(name), fields }, async (bytes) => {
      if (gate !== undefined && bytes >= gate.atBytes) await gate.open;
    });
  }),
);

/** `/what/7-10240`: its length is in its name. */
function lengthOf(target: string): number {
  return Number(/-(\d+)$/.exec(target)?.[1]);
}

function expectedOf(target: string): Buffer {
  return octetsOf(target, 0, lengthOf(target));
}

/** The origin sends no more of it than this until the answer is called. */
function closeGate(target: string, atBytes: number): () => void {
  const { promise, resolve } = Promise.withResolvers<void>();
  gates.set(target, { atBytes, open: promise });
  return resolve;
}

function startWorkers(): Promise<EdgeAlone> {
  return startEdgeAlone({ origin: origin.url, args: ["--workers", String(WORKERS)] });
}

/** By the part of its id that all requests of one worker have in common. */
function workerOf(download: Download): string {
  return download.field("x-request-id")?.slice(0, 23) ?? "";
}

/** The process that fetches this target for all. */
function ownerOf(edge: EdgeAlone, target: string): number {
  const key = `edge/${new URL(edge.url).host} ${target}`;
  const slot = ownerAmong(key, [0, 1]);
  const listening = edge.log.findLast(
    (line) => line.msg === "edge worker listens" && line["slot"] === slot,
  );
  return Number(listening?.["worker_pid"]);
}

describe("the workers of a host", { skip: noProcesses }, () => {
  test("fetch one cold 50 MiB object once for 200 who ask for it, though the first one leaves", async () => {
    await using edge = await startWorkers();
    const target = `/large/1-${50 * MIB}`;
    const expected = expectedOf(target);
    const openGate = closeGate(target, 2 * MIB);
    const first = new Download(edge.url + target, expected);
    const others = Array.from({ length: 199 }, () => new Download(edge.url + target, expected));
    await Promise.all([first, ...others].map(({ headed }) => headed));
    await first.leaveAfter(MIB);
    openGate();
    const ends = await Promise.all(others.map(({ ended }) => ended));
    assert.deepEqual(new Set(ends), new Set(["whole"]));
    assert.equal(new Set(others.map(workerOf)).size, WORKERS, "both workers were asked");
    assert.deepEqual(fetches.get(target), ["whole"]);
  });

  test("go on without the one that fetched, when it is killed in the middle", async () => {
    await using edge = await startWorkers();
    const target = `/killed/1-${24 * MIB}`;
    const expected = expectedOf(target);
    const openGate = closeGate(target, 8 * MIB);
    const downloads = Array.from({ length: 40 }, () => new Download(edge.url + target, expected));
    await until("all have some of it", () => downloads.every(({ bytes }) => bytes > MIB));
    assert.deepEqual(fetches.get(target), ["whole"]);
    kill(ownerOf(edge, target), "SIGKILL");
    openGate();
    const ends = await Promise.all(downloads.map(({ ended }) => ended));
    const byWorker = Map.groupBy(downloads.keys(), (i) => workerOf(downloads[i] as Download));
    const outcomes = [...byWorker.values()].map((group) => new Set(group.map((i) => ends[i])));
    // Who was connected to the one that was killed has lost that connection.
    assert.deepEqual(
      outcomes.toSorted((a) => (a.has("cut") ? -1 : 1)),
      [new Set(["cut"]), new Set(["whole"])],
    );
    const [, ...later] = fetches.get(target) ?? [];
    assert(
      later.length > 0 && later.every((range) => range !== "whole"),
      `fetched ${later.join()}`,
    );
  });

  test("fetch each of 300 cold objects once, whichever of them is asked", async () => {
    await using edge = await startWorkers();
    const targets = Array.from({ length: 300 }, (_, i) => `/small/${i}-${10 * KIB}`);
    const asked = [...targets, ...targets, ...targets, ...targets];
    await inParallel(asked, 64, async (target) => {
      const { status, body } = await exchange(edge.url + target);
      assert.equal(status, 200);
      assert(body.equals(expectedOf(target)), `${target}: other octets`);
    });
    assert.deepEqual(
      targets.filter((target) => fetches.get(target)?.length !== 1),
      [],
    );
  });
});
