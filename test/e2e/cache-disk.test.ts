import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { globSync, readFileSync } from "node:fs";
import { mkdir, mkdtemp, open, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import process from "node:process";
import { after, describe, test } from "node:test";
import { type EdgeAlone, startEdgeAlone } from "../support/edge-alone.ts";
import { exchange, open as openReply } from "../support/exchange.ts";
import { sendObject, startObjectOrigin } from "../support/object-origin.ts";
import { octetsOf } from "../support/octets.ts";
import { until } from "../support/until.ts";

const KIB = 1024;
const MIB = 1024 * KIB;
/** The same whatever port it is: it is in the key. */
const HOST = "edge.test";

const stack = new AsyncDisposableStack();
after(() => stack.disposeAsync());
const folder = await mkdtemp(join(tmpdir(), "atoll-disk-"));
stack.defer(() => rm(folder, { recursive: true, force: true }));
let isOpen = true;
const origin = stack.use(
  await startObjectOrigin(async (request, response) => {
    if (!isOpen) {
      response.destroy();
      return;
    }
    const name = request.url ?? "";
    const fields = { etag: `"${name}"`, "cache-control": "max-age=3600" };
    await sendObject(request, response, { name, length: lengthOf(name), fields });
  }),
);

/** `/what/7-10240`: its length is in its name. */
function lengthOf(target: string): number {
  return Number(/-(\d+)$/.exec(target)?.[1]);
}

function targetsOf(kind: string, lengths: readonly number[]): readonly string[] {
  return lengths.map((length, i) => `/${kind}/${i}-${length}`);
}

function startWith(disk: string, args: readonly string[] = []): Promise<EdgeAlone> {
  return startEdgeAlone({ origin: origin.url, args: ["--disk", disk, ...args] });
}

/** Asks, and compares octet by octet. */
async function ask(edge: EdgeAlone, target: string): Promise<string> {
  const { status, headers, body } = await exchange(edge.url + target, { headers: { host: HOST } });
  assert.equal(status, 200, target);
  assert(body.equals(octetsOf(target, 0, lengthOf(target))), `${target}: other octets`);
  return String(headers["x-cache"]);
}

async function askAll(edge: EdgeAlone, targets: readonly string[]): Promise<readonly string[]> {
  const caches: string[] = [];
  for (const target of targets) caches.push(await ask(edge, target));
  return caches;
}

function entriesIn(disk: string): readonly string[] {
  return globSync(join(disk, "v1/*/*"))
    .filter((path) => /\/[0-9a-f]{2}\/[0-9a-f]{30}$/.test(path))
    .toSorted();
}

/** Changes one bit of a file, `share` of its length from its beginning. */
async function flip(path: string, share: number): Promise<void> {
  await using file = await open(path, "r+");
  const { size } = await file.stat();
  const at = Math.min(size - 1, Math.floor(size * share));
  const octet = Buffer.alloc(1);
  await file.read(octet, 0, 1, at);
  octet[0] = Number(octet[0]) ^ 1;
  await file.write(octet, 0, 1, at);
}

async function logged(edge: EdgeAlone, message: string): Promise<void> {
  await until(`it logs "${message}"`, () => edge.log.some(({ msg }) => msg === message));
}

describe("a flipped bit on the disk", () => {
  for (const [where, share] of [
    ["at the beginning", 0],
    ["in the head", 0.02],
  ] as const) {
    test(`${where} of files makes them absent, and is logged`, async () => {
      await flipsAreNoticed(join(folder, `flip-${share}`), share);
    });
  }
  test("in the middle of files makes them absent, and is logged", async () => {
    await flipsAreNoticed(join(folder, "flip-middle"), 0.5);
  });
  test("at the end of files makes them absent, and is logged", async () => {
    await flipsAreNoticed(join(folder, "flip-end"), 1);
  });

  async function flipsAreNoticed(disk: string, share: number): Promise<void> {
    const targets = targetsOf("flip", [0, 1, 3 * KIB, 64 * KIB, 300 * KIB, MIB]);
    {
      await using edge = await startWith(disk);
      await askAll(edge, targets);
    }
    const entries = entriesIn(disk);
    assert.equal(entries.length, targets.length);
    {
      await using edge = await startWith(disk);
      assert.deepEqual(
        await askAll(edge, targets),
        targets.map(() => "HIT"),
      );
    }
    for (const entry of entries) await flip(entry, share);
    await using edge = await startWith(disk);
    assert.deepEqual(
      await askAll(edge, targets),
      targets.map(() => "MISS"),
    );
    await logged(edge, "disk entry is corrupt");
  }

  test("in a part of a large body is fetched again, or cuts the connection", async () => {
    const disk = join(folder, "flip-large");
    const [target = ""] = targetsOf("flip-large", [5 * MIB + 7]);
    {
      await using edge = await startWith(disk);
      await ask(edge, target);
    }
    const parts = entriesIn(disk).filter((path) => readFileSync(path).length > MIB);
    assert.equal(parts.length, 5);
    const [, , victim = ""] = parts;
    await flip(victim, 0.7);
    isOpen = false;
    try {
      await using edge = await startWith(disk);
      const headers = { host: HOST };
      const response = await openReply(edge.url + target, { headers });
      assert.equal(response.statusCode, 200);
      const chunks: Buffer[] = [];
      await assert.rejects(async () => {
        for await (const chunk of response) chunks.push(chunk as Buffer);
      }, "it ended as if it were whole");
      const body = Buffer.concat(chunks);
      assert(body.equals(octetsOf(target, 0, body.length)));
      await logged(edge, "disk entry is corrupt");
    } finally {
      isOpen = true;
    }
    const sentBefore = origin.sentBytes;
    await using edge = await startWith(disk);
    assert.equal(await ask(edge, target), "HIT");
    assert(origin.sentBytes - sentBefore <= 2 * MIB, "more was fetched than was missing");
  });

  test("is noticed in files that are in use", async () => {
    const disk = join(folder, "flip-in-use");
    const targets = targetsOf(
      "in-use",
      Array.from({ length: 60 }, () => 700 * KIB),
    );
    // Memory has room for a third of it.
    await using edge = await startWith(disk, ["--memory", String(16 * MIB)]);
    await askAll(edge, targets);
    await until("all are written", () => entriesIn(disk).length === targets.length);
    const caches = await askAll(edge, targets);
    assert(caches.every((cache) => cache === "HIT"));
    for (const entry of entriesIn(disk)) await flip(entry, 0.9);
    await askAll(edge, targets);
    await logged(edge, "disk entry is corrupt");
  });
});

describe("a cache folder that is removed while it is in use", () => {
  test("is made again; what is answered comes from memory and origin", async () => {
    const disk = join(folder, "removed");
    await using edge = await startWith(disk);
    const targets = targetsOf("removed", [10, 10 * KIB, 500 * KIB, 3 * MIB]);
    await askAll(edge, targets);
    await until("it is written", () => entriesIn(disk).length >= targets.length);
    await rm(disk, { recursive: true });
    assert.deepEqual(
      await askAll(edge, targets),
      targets.map(() => "HIT"),
    );
    const others = targetsOf("removed-others", [20, 20 * KIB, 600 * KIB, 4 * MIB]);
    assert.deepEqual(
      await askAll(edge, others),
      others.map(() => "MISS"),
    );
    assert.deepEqual(
      await askAll(edge, others),
      others.map(() => "HIT"),
    );
    await until("it is written to again", () => entriesIn(disk).length >= others.length);
  });

  test("and cannot be made again is done without, and is logged", async () => {
    const disk = join(folder, "replaced");
    await using edge = await startWith(disk);
    const targets = targetsOf("replaced", [10, 10 * KIB, 500 * KIB, 3 * MIB]);
    await askAll(edge, targets);
    await rm(disk, { recursive: true });
    await writeFile(disk, "no folder");
    const others = targetsOf("replaced-others", [20, 20 * KIB, 600 * KIB, 4 * MIB]);
    assert.deepEqual(
      await askAll(edge, others),
      others.map(() => "MISS"),
    );
    assert.deepEqual(await askAll(edge, [...targets, ...others]), Array(8).fill("HIT"));
    await logged(edge, "disk write failed");
  });
});

/** A small filesystem, or why there is none. */
async function mountSmall(path: string): Promise<string | undefined> {
  if (process.platform !== "linux") return "a tmpfs is Linux's";
  await mkdir(path);
  try {
    execFileSync("mount", ["-t", "tmpfs", "-o", "size=12m", "tmpfs", path], { stdio: "pipe" });
  } catch {
    return "mounting a tmpfs takes root";
  }
  stack.defer(() => {
    execFileSync("umount", ["--lazy", path]);
  });
  return undefined;
}

const small = join(folder, "small");
const noMount = await mountSmall(small);

describe("a full disk", { skip: noMount ?? false }, () => {
  test("is kept from filling by what is stored", async () => {
    const disk = join(small, "own");
    await using edge = await startWith(disk, ["--memory", String(16 * MIB)]);
    const targets = targetsOf(
      "many",
      Array.from({ length: 60 }, () => 900 * KIB),
    );
    for (const _ of [1, 2]) await askAll(edge, targets);
    const other = join(small, "other");
    await until("something is left for others", async () => {
      const isWritten = await writeFile(other, Buffer.alloc(64 * KIB)).then(
        () => true,
        () => false,
      );
      await rm(other, { force: true });
      return isWritten;
    });
  });

  test("is done without, logged, and used again once there is room", async () => {
    const disk = join(small, "full");
    await using edge = await startWith(disk);
    await rm(join(small, "own"), { recursive: true, force: true });
    const filler = join(small, "filler");
    await writeFile(filler, Buffer.alloc(16 * MIB)).catch(() => undefined);
    const targets = targetsOf("full", [10, 10 * KIB, 500 * KIB, 3 * MIB]);
    assert.deepEqual(
      await askAll(edge, targets),
      targets.map(() => "MISS"),
    );
    assert.deepEqual(
      await askAll(edge, targets),
      targets.map(() => "HIT"),
    );
    const isTrouble = /disk write failed|disk writes are held/;
    await until("it is logged", () => edge.log.some(({ msg }) => isTrouble.test(msg)));
    assert.equal(entriesIn(disk).length, 0);
    await rm(filler);
    let asked = 0;
    await until(
      "it is written to again",
      async () => {
        asked += 1;
        await ask(edge, `/again/${asked}-10000`);
        return entriesIn(disk).length > 0;
      },
      60_000,
    );
  });
});
