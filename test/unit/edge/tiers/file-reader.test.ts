import assert from "node:assert/strict";
import { describe, test } from "node:test";
import type { Room } from "#edge/cache/content-reader.ts";
import type { FileBody } from "#edge/disk/file-body.ts";
import { FileReader } from "#edge/tiers/file-reader.ts";
import { FILE_PIECE_BYTES } from "#edge/tiers/limits.ts";

const OCTETS = Buffer.alloc(300_000, "0123456789");

/** A body in a file that a disk reads as fast as the test says. */
function aFile(octets = OCTETS) {
  const reads: (() => void)[] = [];
  const state = {
    disk: "quick" as "quick" | "slow" | "broken",
    holds: 0,
    /** Lets the thread pool read what it was asked for. */
    finish: () => reads.shift()?.(),
  };
  const body: Pick<FileBody, "length" | "hold" | "release" | "readNow" | "read"> = {
    length: octets.length,
    hold: () => void (state.holds += 1),
    release: () => void (state.holds -= 1),
    readNow: (into, at) => {
      if (state.disk !== "quick") return state.disk;
      octets.copy(into, 0, at);
      return "read";
    },
    read: (into, at) =>
      new Promise((resolve) => {
        reads.push(() => {
          octets.copy(into, 0, at);
          resolve(state.disk === "broken" ? "broken" : "read");
        });
      }),
  };
  return Object.assign(state, { body: body as FileBody });
}

/** All that a reader has, with what it was read into. */
function all(reader: FileReader, room?: Room): Buffer {
  const parts: Buffer[] = [];
  for (let part = reader.read(room); part !== "end"; part = reader.read(room)) {
    assert(typeof part !== "string", `it is ${String(part)}`);
    parts.push(Buffer.from(part));
  }
  return Buffer.concat(parts);
}

describe("a reader of a body in a file", () => {
  test("reads into the reply's own memory, in as many pieces as that has room for", () => {
    const memory = Buffer.alloc(1_000);
    let rooms = 0;
    const room: Room = {
      open: (bytes) => {
        rooms += 1;
        assert(bytes <= FILE_PIECE_BYTES);
        return memory;
      },
    };
    const { body } = aFile();
    assert(all(new FileReader(body, 0, Infinity), room).equals(OCTETS));
    assert.equal(rooms, 300);
  });

  test("has memory of its own for whoever brings none", () => {
    const { body } = aFile();
    const reader = new FileReader(body, 5, 200_005);
    const first = reader.read();
    assert(typeof first !== "string");
    const kept = Buffer.from(first);
    all(reader);
    assert(kept.equals(first));
    assert(first.equals(OCTETS.subarray(5, 5 + first.length)));
    assert.equal(reader.position, 200_005);
  });

  test("gives what is small as a whole, once, and nothing that is not, or has no room", () => {
    const memory = Buffer.alloc(200_000);
    const room: Room = { open: () => memory };
    const { body } = aFile();
    const small = new FileReader(body, 3, 13);
    assert.equal(small.readSmall(room)?.toString(), "3456789012");
    assert.equal(small.read(room), "end");
    assert.equal(new FileReader(body, 0, 100_000).readSmall(room), undefined);
    const tight = new FileReader(body, 3, 13);
    assert.equal(tight.readSmall({ open: () => memory.subarray(0, 9) }), undefined);
    assert.equal(tight.readSmall(room)?.toString(), "3456789012");
  });

  test("waits for the thread pool where the disk is slow", async () => {
    const file = aFile();
    file.disk = "slow";
    const reader = new FileReader(file.body, 0, 10);
    const readable = new Promise<void>((resolve) => reader.whenReadable(resolve));
    assert.equal(reader.readSmall({ open: () => Buffer.alloc(10) }), undefined);
    assert.equal(reader.read(), "pending");
    assert.equal(reader.read(), "pending");
    file.finish();
    await readable;
    assert.equal(reader.read().toString(), "0123456789");
    assert.equal(reader.read(), "end");
  });

  test("is truncated where the file is broken, now or later", async () => {
    const file = aFile();
    const reader = new FileReader(file.body, 0, Infinity);
    reader.read();
    file.disk = "broken";
    assert.equal(reader.read(), "truncated");
    file.disk = "slow";
    const other = new FileReader(file.body, 0, Infinity);
    const readable = new Promise<void>((resolve) => other.whenReadable(resolve));
    assert.equal(other.read(), "pending");
    file.disk = "broken";
    file.finish();
    await readable;
    assert.equal(other.read(), "truncated");
  });

  test("holds the file until it is closed, and what reads for it has read", async () => {
    const file = aFile();
    const reader = new FileReader(file.body, 0, Infinity);
    assert.equal(file.holds, 1);
    file.disk = "slow";
    reader.read();
    reader.close();
    reader.close();
    assert.equal(file.holds, 1);
    file.finish();
    await new Promise((resolve) => setImmediate(resolve));
    assert.equal(file.holds, 0);
  });
});
