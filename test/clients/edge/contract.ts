import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { freshName } from "../../support/world.ts";
import type { Ask, EdgeClientKind, Seen } from "./client.ts";
import { contentOf, sha256 } from "./content.ts";
import {
  type EdgeOrigin,
  GZIPPED_TEXT,
  ITEM_BYTES,
  LARGE_BYTES,
  LAST_MODIFIED,
  PLAIN_TEXT,
  SMALL_BYTES,
  TRAILER_CONTENT,
} from "./origin.ts";

const LARGE_UPLOAD_BYTES = 5 * 1_048_576;
const AT_ONCE = 100;
const COOKIE_BYTES = 12_000;

/** What every client of the web expects of a server, and what each must get from the edge. */
export function edgeClientContract(kind: EdgeClientKind, origin: EdgeOrigin): void {
  const { lacks } = kind;

  describe(kind.name, () => {
    test("gets a small response from the origin, then from the store", async () => {
      const path = fresh("/small");
      const [first, second] = await inTurn(kind, [get(path), get(path)]);
      assertContent(first, 200, contentOf(SMALL_BYTES));
      assertContent(second, 200, contentOf(SMALL_BYTES));
      assert.deepEqual([first, second].map(xCache), ["MISS", "HIT"]);
      assert.equal(field(first, "content-length"), String(SMALL_BYTES));
      assert.match(field(second, "age") ?? "", /^\d+$/);
      assert.match(field(second, "cache-status") ?? "", /^Atoll; hit; ttl=\d+$/);
      assert.equal(origin.fetches(path), 1);
    });

    test("gets 10 MiB whole, from the origin and from the store", async () => {
      const path = fresh("/large");
      const seen = await inTurn(kind, [get(path), get(path)]);
      for (const one of seen) assertContent(one, 200, contentOf(LARGE_BYTES));
      assert.deepEqual(seen.map(xCache), ["MISS", "HIT"]);
    });

    test("gets the head of what it asks for by HEAD, and goes on", async () => {
      const path = fresh("/large");
      const seen = await inTurn(kind, [{ method: "HEAD", path }, get(fresh("/small"))]);
      assertContent(seen[0], 200, contentOf(0));
      assert.equal(field(seen[0], "content-length"), String(LARGE_BYTES));
      assertContent(seen[1], 200, contentOf(SMALL_BYTES));
    });

    test("gets the ranges that it asks for", async () => {
      const path = fresh("/item");
      const range = (value: string): Ask => ({ ...get(path), fields: { range: `bytes=${value}` } });
      const whole = contentOf(ITEM_BYTES);
      const [, first, last, none] = await inTurn(kind, [
        get(path),
        range("100-299"),
        range("-500"),
        range(`${ITEM_BYTES}-`),
      ]);
      assertContent(first, 206, whole.subarray(100, 300));
      assert.equal(field(first, "content-range"), `bytes 100-299/${ITEM_BYTES}`);
      assertContent(last, 206, whole.subarray(-500));
      assert.equal(none?.status, 416);
      assert.equal(field(none, "content-range"), `bytes */${ITEM_BYTES}`);
    });

    test("is told that what it has is still good, and goes on", async () => {
      const path = fresh("/item");
      const [whole] = await inTurn(kind, [get(path)]);
      const seen = await inTurn(kind, [
        { ...get(path), fields: { "if-none-match": field(whole, "etag") ?? "" } },
        { ...get(path), fields: { "if-modified-since": LAST_MODIFIED } },
        get(path),
      ]);
      for (const one of seen.slice(0, 2)) assertContent(one, 304, contentOf(0));
      assertContent(seen[2], 200, contentOf(ITEM_BYTES));
    });

    for (const bytes of [0, 10, LARGE_UPLOAD_BYTES]) {
      test(`sends ${bytes} octets of a declared length`, async () => {
        const [seen] = await inTurn(kind, [post({ bytes, declared: true })]);
        assertContent(seen, 200, contentOf(bytes));
        assert.equal(field(seen, "x-length"), String(bytes));
      });
    }

    for (const bytes of [10, LARGE_UPLOAD_BYTES]) {
      test(`sends ${bytes} octets of a length that it does not say`, async (t) => {
        if (lacks.undeclared !== undefined) return t.skip(lacks.undeclared);
        const [seen] = await inTurn(kind, [post({ bytes, declared: false })]);
        assertContent(seen, 200, contentOf(bytes));
        assert.equal(field(seen, "x-length"), "none");
      });
    }

    test(`asks for ${AT_ONCE} things at once`, async () => {
      const asks = Array.from({ length: AT_ONCE }, () => get(fresh("/item")));
      const seen = await kind.run(asks, "at once");
      for (const one of seen) assertContent(one, 200, contentOf(ITEM_BYTES));
      assert(seen.every((one) => one.version === kind.version));
      const multiplexes = kind.version === "2" && lacks.reuse === undefined;
      if (multiplexes) assert.equal(connectionsOf(seen), 1);
    });

    test(`asks for one thing ${AT_ONCE} times at once, and the origin is asked once`, async () => {
      const path = fresh("/item");
      const seen = await kind.run(
        Array.from({ length: AT_ONCE }, () => get(path)),
        "at once",
      );
      for (const one of seen) assertContent(one, 200, contentOf(ITEM_BYTES));
      assert.equal(origin.fetches(path), 1);
    });

    test("keeps its connection, after errors as well", async (t) => {
      if (lacks.reuse !== undefined) return t.skip(lacks.reuse);
      const statuses = [200, 404, 400, 500, 503, 204, 200];
      const seen = await inTurn(
        kind,
        statuses.map((status) => get(fresh(`/status/${status}`))),
      );
      assert.deepEqual(
        seen.map(({ status }) => status),
        statuses,
      );
      assert(connectionsOf(seen) <= kind.keeps);
    });
    moreOfContract(kind);
  });
}

function moreOfContract(kind: EdgeClientKind): void {
  const { lacks } = kind;

  for (const declared of ["?declared&", "?"]) {
    const how = declared === "?" ? "without" : "with";
    test(`sees that a response ${how} a length is cut off, and goes on`, async () => {
      const path = `/cut${declared}${freshName("key")}`;
      const [cut, next] = await inTurn(kind, [get(path), get(fresh("/small"))], "may fail");
      assert.notEqual(cut?.error, undefined, "half of it was taken for the whole");
      assertContent(next, 200, contentOf(SMALL_BYTES));
      const streams = kind.version === "2" && lacks.reuse === undefined && cut?.connection !== "";
      if (streams) assert.equal(connectionsOf([cut, next]), 1, "a stream ends, not the connection");
    });
  }

  const trailers =
    lacks.trailers === undefined ? "sees" : `(${lacks.trailers}) is not disturbed by`;
  test(`${trailers} the trailers of the origin`, async () => {
    const [seen] = await inTurn(kind, [get(fresh("/trailers"))]);
    assertContent(seen, 200, Buffer.from(TRAILER_CONTENT));
    const sent = { "x-checksum": sha256(TRAILER_CONTENT), "x-second": "2" };
    const expected = lacks.trailers === undefined ? sent : {};
    assert.deepEqual(Object.fromEntries(seen?.trailers ?? []), expected);
  });

  const hints = lacks.interim === undefined ? "sees" : `(${lacks.interim}) is not disturbed by`;
  test(`${hints} early hints`, async (t) => {
    if (lacks.earlyHints !== undefined) return t.skip(lacks.earlyHints);
    const [seen] = await inTurn(kind, [get(fresh("/hints"))]);
    assertContent(seen, 200, Buffer.from("after the hints"));
    const interim = seen?.interim.map(({ status, fields }) => [
      status,
      fields.find(([name]) => name === "x-hint")?.[1],
    ]);
    assert.deepEqual(interim, lacks.interim === undefined ? [[103, "early"]] : []);
  });

  test("has a method passed on that few have heard of", async () => {
    const asked = post({ bytes: 10, declared: true }, "PROPFIND");
    const [seen] = await inTurn(kind, [asked]);
    assertContent(seen, 200, contentOf(10));
    assert.equal(field(seen, "x-method"), "PROPFIND");
    assert.equal(xCache(seen), "BYPASS");
  });

  test("gets what the origin has coded by gzip, and what it has not", async () => {
    const path = fresh("/gzip");
    const coded = { ...get(path), fields: { "accept-encoding": "gzip" } };
    const plain = { ...get(path), fields: { "accept-encoding": "identity" } };
    const [first, second, third] = await inTurn(kind, [coded, coded, plain]);
    const expected = kind.decodes ? Buffer.from(PLAIN_TEXT) : GZIPPED_TEXT;
    for (const one of [first, second]) {
      assertContent(one, 200, expected);
      assert.equal(field(one, "vary"), "accept-encoding");
    }
    assert.equal(xCache(second), "HIT");
    assertContent(third, 200, Buffer.from(PLAIN_TEXT));
    assert.equal(field(third, "content-encoding"), undefined);
  });

  test("sees both of two cookies", async () => {
    const [seen] = await inTurn(kind, [get(fresh("/cookies"))]);
    const cookies = seen?.fields.filter(([name]) => name === "set-cookie");
    assert.deepEqual(cookies?.map(([, value]) => value).toSorted(), [
      "a=1; Path=/",
      "b=2, with a comma",
    ]);
  });

  test("sends a head of many octets", async () => {
    const fields = { cookie: `a=${"0123456789".repeat(COOKIE_BYTES / 10)}` };
    const [seen] = await inTurn(kind, [{ ...get(fresh("/small")), fields }]);
    assertContent(seen, 200, contentOf(SMALL_BYTES));
  });
}

/** A path that nobody else has asked for. */
function fresh(path: string): string {
  return `${path}?${freshName("key")}`;
}

function get(path: string): Ask {
  return { method: "GET", path };
}

function post(body: NonNullable<Ask["body"]>, method = "POST"): Ask {
  return { method, path: "/echo", body };
}

/** One after another; each must come to its end unless it may fail. */
async function inTurn(
  kind: EdgeClientKind,
  asks: readonly Ask[],
  end: "must end" | "may fail" = "must end",
): Promise<readonly Seen[]> {
  const seen = await kind.run(asks, "in turn");
  assert.equal(seen.length, asks.length);
  for (const { error, version } of seen) {
    if (end === "must end") assert.equal(error, undefined);
    if (error === undefined) assert.equal(version, kind.version);
  }
  return seen;
}

function assertContent(seen: Seen | undefined, status: number, content: Buffer): void {
  assert(seen !== undefined);
  assert.equal(seen.error, undefined);
  assert.equal(seen.status, status);
  assert.equal(seen.bytes, content.length);
  assert.equal(seen.sha256, sha256(content));
}

function field(seen: Seen | undefined, name: string): string | undefined {
  return seen?.fields.find(([one]) => one === name)?.[1];
}

function xCache(seen: Seen | undefined): string | undefined {
  return field(seen, "x-cache");
}

function connectionsOf(seen: readonly (Seen | undefined)[]): number {
  return new Set(seen.map((one) => one?.connection)).size;
}
