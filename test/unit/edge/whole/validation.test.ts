import assert from "node:assert/strict";
import type { RequestListener } from "node:http";
import { describe, test } from "node:test";
import { type EdgeUnderTest, fetchOnce, startEdge } from "../support.ts";

const MODIFIED = "Sun, 22 Nov 2026 11:00:00 GMT";
const OTHER_DATE = "Sun, 22 Nov 2026 11:00:01 GMT";

type Fields = Readonly<Record<string, string>>;

/** Has one version with these fields, and confirms it with those, whatever was asked. */
function confirmingOrigin(stored: Fields, confirmed: Fields) {
  const asked: (string | undefined)[] = [];
  const answer: RequestListener = ({ headers }, response) => {
    asked.push(headers["if-none-match"] ?? headers["if-modified-since"]);
    if (asked.at(-1) !== undefined) {
      response.writeHead(304, { "cache-control": "max-age=60", ...confirmed }).end();
      return;
    }
    response.writeHead(200, { "cache-control": "max-age=60", "content-length": 4, ...stored });
    response.end("body");
  };
  return { asked, answer };
}

/** Whether what was stored with these fields is served after a 304 with those. */
async function isConfirmed(stored: Fields, confirmed: Fields): Promise<boolean> {
  const origin = confirmingOrigin(stored, confirmed);
  await using edge = await startEdge(origin.answer);
  await fetchOnce(edge, "/a");
  edge.clock.advance(60_000);
  const { fields, body } = await fetchOnce(edge, "/a");
  assert.equal(body.toString(), "body");
  const isRevalidated = fields.get("x-cache") === "REVALIDATED";
  assert.equal(fields.get("x-cache"), isRevalidated ? "REVALIDATED" : "MISS");
  assert.equal(origin.asked.length, isRevalidated ? 2 : 3);
  return isRevalidated;
}

describe("RFC 9111 §4.3.1: what is stale is asked for", () => {
  const cases: readonly (readonly [stored: Fields, asked: Fields])[] = [
    [{ etag: '"a"' }, { "if-none-match": '"a"' }],
    [{ etag: 'W/"a"' }, { "if-none-match": 'W/"a"' }],
    [{ "last-modified": MODIFIED }, { "if-modified-since": MODIFIED }],
    [
      { etag: '"a"', "last-modified": MODIFIED },
      { "if-none-match": '"a"', "if-modified-since": MODIFIED },
    ],
    [{}, {}],
  ];
  for (const [stored, expected] of cases) {
    test(`by ${Object.keys(stored).join(" and ") || "nothing"}, whatever its client has`, async () => {
      let asked: Fields = {};
      await using edge = await startEdge(({ headers }, response) => {
        asked = Object.fromEntries(
          Object.entries(headers).flatMap(([name, value]) =>
            name.startsWith("if-") ? [[name, String(value)]] : [],
          ),
        );
        response.writeHead(200, { "cache-control": "max-age=60", ...stored }).end();
      });
      await fetchOnce(edge, "/a");
      edge.clock.advance(60_000);
      await fetchOnce(edge, "/a", 'if-none-match: "client"');
      assert.deepEqual(asked, expected);
    });
  }
});

describe("RFC 9111 §4.3.4: a 304", () => {
  const both = { etag: '"a"', "last-modified": MODIFIED };
  const cases: readonly (readonly [
    what: string,
    stored: Fields,
    confirmed: Fields,
    isConfirmed: boolean,
  ])[] = [
    ["with the same strong ETag", { etag: '"a"' }, { etag: '"a"' }, true],
    ["with another strong ETag", { etag: '"a"' }, { etag: '"b"' }, false],
    ["with a weak ETag that corresponds", { etag: '"a"' }, { etag: 'W/"a"' }, true],
    ["with a weak ETag that does not", { etag: '"a"' }, { etag: 'W/"b"' }, false],
    ["with a strong ETag, of what has a weak one", { etag: 'W/"a"' }, { etag: '"a"' }, false],
    ["with an ETag, of what has none", { "last-modified": MODIFIED }, { etag: '"a"' }, false],
    [
      "with the same Last-Modified",
      { "last-modified": MODIFIED },
      { "last-modified": MODIFIED },
      true,
    ],
    [
      "with another Last-Modified",
      { "last-modified": MODIFIED },
      { "last-modified": OTHER_DATE },
      false,
    ],
    [
      "with the same ETag and another date",
      both,
      { etag: '"a"', "last-modified": OTHER_DATE },
      true,
    ],
    [
      "with another ETag and the same date",
      both,
      { etag: '"b"', "last-modified": MODIFIED },
      false,
    ],
    ["with the one date that there is of both", both, { "last-modified": MODIFIED }, true],
    ["with no validator at all", both, {}, true],
  ];
  for (const [what, stored, confirmed, is] of cases) {
    test(`${is ? "confirms" : "is not about"} what is stored, ${what}`, async () => {
      assert.equal(await isConfirmed(stored, confirmed), is);
    });
  }

  test("is asked for in vain once: what is not stored is fetched without a condition", async () => {
    const { answer, asked } = confirmingOrigin({ etag: '"a"' }, { etag: '"b"' });
    await using edge = await startEdge(answer);
    await fetchOnce(edge, "/a");
    edge.clock.advance(60_000);
    await fetchOnce(edge, "/a");
    assert.deepEqual(asked, [undefined, '"a"', undefined]);
  });
});

describe("RFC 9111 §3.2: the fields of a 304", () => {
  const STORED = { etag: '"a"', "content-type": "text/plain", "x-a": "1", "x-b": "1" };

  /** The answer that a 304 confirmed, and the hit after it. */
  async function confirmedBy(
    confirmed: Fields,
    stored: Fields = STORED,
  ): Promise<readonly ReadonlyMap<string, string>[]> {
    const { answer } = confirmingOrigin(stored, confirmed);
    await using edge = await startEdge(answer);
    await fetchOnce(edge, "/a");
    edge.clock.advance(60_000);
    const first = await fetchOnce(edge, "/a");
    edge.clock.advance(7_000);
    const second = await fetchOnce(edge, "/a");
    assert.deepEqual(
      [first, second].map(({ fields }) => fields.get("x-cache")),
      ["REVALIDATED", "HIT"],
    );
    for (const { body } of [first, second]) assert.equal(body.toString(), "body");
    return [first.fields, second.fields];
  }

  const replaced: Fields = {
    "x-a": "2",
    "content-type": "text/html",
    "content-location": "/b",
    "cache-control": "max-age=600",
    expires: "Sun, 22 Nov 2026 13:00:00 GMT",
    "last-modified": MODIFIED,
    "content-security-policy": "default-src 'self'",
  };
  for (const [name, value] of Object.entries(replaced)) {
    test(`replace what is stored as ${name}`, async () => {
      for (const fields of await confirmedBy({ etag: '"a"', [name]: value })) {
        assert.equal(fields.get(name), value);
        assert.equal(fields.get("x-b"), "1");
      }
    });
  }

  const kept: readonly (readonly [name: string, confirmed: string, stored: string | undefined])[] =
    [
      ["content-encoding", "gzip", undefined],
      ["content-range", "bytes 0-1/2", undefined],
      ["content-length", "9", "4"],
      ["connection", "x-a", undefined],
      ["etag", 'W/"a"', '"a"'],
    ];
  for (const [name, value, stored] of kept) {
    test(`change nothing by ${name}: ${value}`, async () => {
      for (const fields of await confirmedBy({ etag: '"a"', [name]: value })) {
        assert.equal(fields.get(name), stored);
      }
    });
  }

  test("are all there is of a field with several lines", async () => {
    const [, hit] = await confirmedBy(
      { etag: '"a"', link: "</c>" },
      { ...STORED, link: "</a>, </b>" },
    );
    assert.equal(hit?.get("link"), "</c>");
  });

  test("begin its age anew, by their Date or by their arrival", async () => {
    const [first, hit] = await confirmedBy({ etag: '"a"' });
    assert.equal(first?.get("date"), "Sun, 22 Nov 2026 12:01:00 GMT");
    assert.equal(hit?.get("age"), "7");
    const [, late] = await confirmedBy({ etag: '"a"', date: "Sun, 22 Nov 2026 12:00:30 GMT" });
    assert.equal(late?.get("age"), "37");
  });

  test("may forbid to keep it any longer", async () => {
    const { answer, asked } = confirmingOrigin(
      { etag: '"a"' },
      { etag: '"a"', "cache-control": "no-store" },
    );
    await using edge = await startEdge(answer);
    await fetchOnce(edge, "/a");
    edge.clock.advance(60_000);
    const confirmed = await fetchOnce(edge, "/a");
    assert.equal(confirmed.body.toString(), "body");
    assert.equal(
      confirmed.fields.get("cache-status"),
      "Atoll; fwd=stale; fwd-status=304; detail=no-store",
    );
    assert.equal((await fetchOnce(edge, "/a")).fields.get("x-cache"), "MISS");
    assert.deepEqual(asked, [undefined, '"a"', undefined]);
  });
});

describe("RFC 9111 §4.3.3: a stale response", () => {
  async function staleEdge(answer: RequestListener, cacheControl: string): Promise<EdgeUnderTest> {
    let fetches = 0;
    const edge = await startEdge((incoming, response) => {
      fetches += 1;
      if (fetches > 1) return answer(incoming, response);
      response.writeHead(200, { etag: '"a"', "cache-control": cacheControl }).end("old");
    });
    await fetchOnce(edge, "/a");
    edge.clock.advance(60_000);
    return edge;
  }

  test("is replaced by a full response", async () => {
    await using edge = await staleEdge(
      (_incoming, response) => void response.writeHead(200, { etag: '"b"' }).end("new"),
      "max-age=60",
    );
    for (const xCache of ["MISS", "HIT"]) {
      const { fields, body } = await fetchOnce(edge, "/a");
      assert.deepEqual([fields.get("x-cache"), body.toString()], [xCache, "new"]);
    }
  });

  test("is not replaced by a 5xx, which is passed on where it must be", async () => {
    let status = 503;
    await using edge = await staleEdge((incoming, response) => {
      assert.equal(incoming.headers["if-none-match"], '"a"');
      response.writeHead(status, { etag: '"a"', "cache-control": "max-age=60" }).end();
    }, "max-age=60, must-revalidate");
    assert.equal((await fetchOnce(edge, "/a")).status, 503);
    status = 304;
    const confirmed = await fetchOnce(edge, "/a");
    assert.equal(confirmed.fields.get("x-cache"), "REVALIDATED");
    assert.equal(confirmed.body.toString(), "old");
  });

  test("with must-revalidate is a 504 or 502 when nobody answers (§5.2.2.2)", async () => {
    await using edge = await staleEdge(
      (incoming) => void incoming.socket.resetAndDestroy(),
      "max-age=60, must-revalidate",
    );
    assert.equal((await fetchOnce(edge, "/a")).status, 502);
  });
});
