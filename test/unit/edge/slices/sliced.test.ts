import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { Client } from "../client.ts";
import { type EdgeUnderTest, fetchOnce, request, startEdge } from "../support.ts";
import { Content, MIB, type ObjectOrigin, objectOrigin, slicesIn } from "./support.ts";

/** Six slices, of which the last is a half. */
const CONTENT = new Content(5.5 * MIB);

async function startWith(): Promise<
  { edge: EdgeUnderTest; origin: ObjectOrigin } & AsyncDisposable
> {
  const origin = objectOrigin(CONTENT);
  const edge = await startEdge(origin.answer);
  return { edge, origin, [Symbol.asyncDispose]: () => edge[Symbol.asyncDispose]() };
}

describe("a large object", () => {
  test("is fetched once, and then a hit, whole or in any part", async () => {
    await using under = await startWith();
    const { edge, origin } = under;
    const miss = await fetchOnce(edge, "/big");
    assert(miss.body.equals(CONTENT.slice(0)));
    assert.equal(miss.fields.get("cache-status"), "Atoll; fwd=uri-miss; stored");
    const hit = await fetchOnce(edge, "/big");
    assert(hit.body.equals(CONTENT.slice(0)));
    assert.equal(hit.fields.get("x-cache"), "HIT");
    assert.equal(hit.fields.get("content-length"), String(CONTENT.length));
    assert.deepEqual(origin.asked, ["whole"]);
  });

  const ranges: readonly (readonly [
    range: string,
    first: number,
    last: number,
    fetched: string,
  ])[] = [
    ["0-0", 0, 0, "0-0"],
    ["inside a slice", 2 * MIB + 7, 2 * MIB + 99, "2-2"],
    ["over a border", 2 * MIB - 1, 2 * MIB, "1-1 2-2"],
    ["over all but the ends", 1, CONTENT.length - 2, "0-0 1-1 2-3 4-5"],
    ["of a whole slice", 3 * MIB, 4 * MIB - 1, "3-3"],
    ["at the end", CONTENT.length - 1, CONTENT.length - 1, "5-5"],
  ];
  for (const [what, first, last, fetched] of ranges) {
    test(`is fetched in the slices of a range ${what}, and no others`, async () => {
      await using under = await startWith();
      const { edge, origin } = under;
      for (const xCache of ["MISS", "HIT"]) {
        const part = await fetchOnce(edge, "/big", `range: bytes=${first}-${last}`);
        assert.equal(part.status, 206);
        assert.equal(part.fields.get("x-cache"), xCache);
        assert.equal(part.fields.get("content-range"), `bytes ${first}-${last}/${CONTENT.length}`);
        assert(part.body.equals(CONTENT.slice(first, last + 1)));
      }
      assert.equal(slicesIn(origin.asked).join(" "), fetched);
      const slices = new Set<number>();
      for (let n = Math.floor(first / MIB); n <= Math.floor(last / MIB); n += 1) slices.add(n);
      const bytes = [...slices].map((n) => Math.min(MIB, CONTENT.length - n * MIB));
      assert.equal(
        origin.sentBytes,
        bytes.reduce((sum, each) => sum + each, 0),
      );
    });
  }

  test("tells its length by its first slice, for one who wants its end", async () => {
    await using under = await startWith();
    const { edge, origin } = under;
    const part = await fetchOnce(edge, "/big", "range: bytes=-3");
    assert.equal(part.status, 206);
    assert(part.body.equals(CONTENT.slice(CONTENT.length - 3)));
    assert.deepEqual(slicesIn(origin.asked), ["0-0", "5-5"]);
  });

  test("is sent in several parts, each of its own slices", async () => {
    await using under = await startWith();
    const { edge, origin } = under;
    const parts = await fetchOnce(edge, "/big", `range: bytes=${4 * MIB}-${4 * MIB + 3},0-1`);
    assert.equal(parts.status, 206);
    assert.match(parts.fields.get("content-type") ?? "", /^multipart\/byteranges; boundary=/);
    assert(parts.body.includes(CONTENT.slice(4 * MIB, 4 * MIB + 4)));
    assert(parts.body.includes(CONTENT.slice(0, 2)));
    assert.equal(parts.fields.get("content-length"), String(parts.body.length));
    assert.deepEqual(slicesIn(origin.asked), ["4-4", "0-0"]);
  });

  test("has its gaps filled when it is asked for whole, and is not fetched again", async () => {
    await using under = await startWith();
    const { edge, origin } = under;
    await fetchOnce(edge, "/big", `range: bytes=${2 * MIB}-${2 * MIB}`);
    await fetchOnce(edge, "/big", `range: bytes=${4 * MIB}-${4 * MIB}`);
    const whole = await fetchOnce(edge, "/big");
    assert(whole.body.equals(CONTENT.slice(0)));
    assert.deepEqual(slicesIn(origin.asked).slice(0, 3), ["2-2", "4-4", "0-0"]);
    assert.equal(origin.sentBytes, CONTENT.length);
    assert((await fetchOnce(edge, "/big")).body.equals(CONTENT.slice(0)));
    assert.equal(origin.sentBytes, CONTENT.length);
  });

  test("answers HEAD with its length, and asks for no more than a slice of it", async () => {
    await using under = await startWith();
    const { edge, origin } = under;
    using client = new Client(edge.port);
    for (const xCache of ["MISS", "HIT"]) {
      client.send(request("HEAD", "/big"));
      const head = await client.receive("HEAD");
      assert.equal(head.fields.get("content-length"), String(CONTENT.length));
      assert.equal(head.fields.get("x-cache"), xCache);
    }
    assert.equal(origin.asked.length, 1);
    assert(origin.sentBytes < CONTENT.length);
  });

  const conditions = [
    { line: 'if-range: "a"', status: 206, bytes: 2 },
    { line: 'if-range: "b"', status: 200, bytes: CONTENT.length },
    { line: 'if-none-match: "a"', status: 304, bytes: 0 },
    { line: 'if-none-match: "b"', status: 206, bytes: 2 },
  ];
  for (const { line, status, bytes } of conditions) {
    for (const state of ["cold", "stored"]) {
      test(`is a ${status} for a range with ${line} where it is ${state}`, async () => {
        await using under = await startWith();
        const { edge } = under;
        if (state === "stored") await fetchOnce(edge, "/big");
        const reply = await fetchOnce(edge, "/big", `range: bytes=${MIB - 1}-${MIB}`, line);
        assert.equal(reply.status, status);
        assert(reply.body.equals(CONTENT.slice(status === 206 ? MIB - 1 : 0).subarray(0, bytes)));
      });
    }
  }

  test("has no range beyond its end: 416, with its length", async () => {
    await using under = await startWith();
    const { edge } = under;
    for (const state of ["cold", "stored"]) {
      if (state === "stored") await fetchOnce(edge, "/big");
      const reply = await fetchOnce(edge, "/big", `range: bytes=${CONTENT.length}-`);
      assert.equal(reply.status, 416, state);
      assert.equal(reply.fields.get("content-range"), `bytes */${CONTENT.length}`);
    }
  });
});
