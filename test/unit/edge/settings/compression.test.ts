import assert from "node:assert/strict";
import { randomBytes } from "node:crypto";
import { describe, test } from "node:test";
import {
  ask,
  askFor,
  askUntilCoded,
  CODINGS,
  compress,
  decoded,
  startCompressing,
  TEXT,
  watchEncoders,
  words,
} from "../coding/support.ts";
import { countingOrigin, startEdge } from "../support.ts";

const MIB = 1024 * 1024;
const BROWSER = "gzip, deflate, br, zstd";

describe("an endpoint with compression", () => {
  for (const coding of CODINGS) {
    test(`sends ${coding} to who accepts it, whether it was stored before or not`, async () => {
      const { edge, origin } = await startCompressing();
      await using _ = edge;
      for (const cache of ["MISS", "HIT"]) {
        const reply = await ask(edge, coding);
        assert.equal(reply.fields.get("x-cache"), cache);
        assert.equal(reply.fields.get("content-encoding"), coding);
        assert.equal(reply.fields.get("vary"), "accept-encoding");
        assert.equal(reply.fields.get("etag"), 'W/"a"');
        assert.equal(reply.fields.get("content-length"), String(reply.body.length));
        assert(reply.body.length < TEXT.length / 2);
        assert.equal(decoded(reply), TEXT);
      }
      assert.equal(origin.fetches, 1);
    });
  }

  test("sends each what it likes best, and has asked the origin once", async () => {
    const { edge, origin } = await startCompressing();
    await using _ = edge;
    const rows = [
      { accepted: BROWSER, is: "br" },
      { accepted: "gzip", is: "gzip" },
      { accepted: "br;q=0.1, zstd", is: "zstd" },
      { accepted: "*", is: "gzip" },
      { accepted: "identity", is: undefined },
      { accepted: undefined, is: undefined },
    ];
    for (const { accepted, is } of rows) {
      const reply = await ask(edge, accepted);
      assert.equal(reply.fields.get("content-encoding"), is);
      assert.equal(decoded(reply), TEXT);
    }
    assert.equal(origin.fetches, 1);
  });

  test("tells caches further on that it has several, of the one that is not coded too", async () => {
    const { edge } = await startCompressing();
    await using _ = edge;
    for (const cache of ["MISS", "HIT"]) {
      const { fields } = await ask(edge, undefined);
      assert.equal(fields.get("x-cache"), cache);
      assert.equal(fields.get("vary"), "accept-encoding");
      assert.equal(fields.get("etag"), '"a"');
    }
    const { status, fields } = await ask(edge, undefined, 'if-none-match: "a"');
    assert.deepEqual([status, fields.get("vary")], [304, "accept-encoding"]);
  });

  test("describes to HEAD what it sends to GET", async () => {
    const { edge } = await startCompressing();
    await using _ = edge;
    const head = await askFor(edge, "HEAD /a", "br");
    assert.equal(head.fields.get("x-cache"), "MISS");
    const get = await ask(edge, "br");
    assert(get.body.length > 0);
    for (const name of ["content-encoding", "content-length", "etag", "vary"]) {
      assert.equal(head.fields.get(name), get.fields.get(name));
    }
    const plain = await askFor(edge, "HEAD /a", undefined);
    assert.equal(plain.fields.get("content-length"), String(TEXT.length));
  });

  test("leaves others alone", async () => {
    const { edge } = await startCompressing();
    await using _ = edge;
    compress(edge, { settings: { compression: false } });
    const { fields } = await ask(edge, "br");
    assert.equal(fields.get("content-encoding"), undefined);
    assert.equal(fields.get("vary"), undefined);
  });

  test("compresses what was stored before it was told to", async () => {
    const { edge, origin } = await startCompressing();
    await using _ = edge;
    compress(edge, { settings: {} });
    await ask(edge, "br");
    compress(edge);
    const hit = await ask(edge, "br");
    assert.equal(hit.fields.get("x-cache"), "HIT");
    assert.equal(decoded(hit), TEXT);
    assert.equal(hit.fields.get("content-encoding"), "br");
    assert.equal(origin.fetches, 1);
  });
});

describe("conditions and ranges of what is coded", () => {
  const lastModified = "Sun, 22 Nov 2026 10:00:00 GMT";

  test("are those of its own entity-tag, which is weak", async () => {
    const { edge } = await startCompressing();
    await using _ = edge;
    for (const tag of ['W/"a"', '"a"', '"x", W/"a"', "*"]) {
      const { status, fields } = await ask(edge, "br", `if-none-match: ${tag}`);
      assert.equal(status, 304);
      assert.equal(fields.get("etag"), 'W/"a"');
      assert.equal(fields.get("vary"), "accept-encoding");
      assert.equal(fields.get("content-encoding"), undefined);
    }
    assert.equal((await ask(edge, "br", 'if-none-match: "b"')).status, 200);
  });

  test("are of the coded octets", async () => {
    const { edge } = await startCompressing();
    await using _ = edge;
    // The first one of all: the rest was not there yet.
    const part = await ask(edge, "br", "range: bytes=10-99");
    const whole = await ask(edge, "br");
    assert.equal(part.status, 206);
    assert.equal(part.fields.get("content-encoding"), "br");
    assert.equal(part.fields.get("content-range"), `bytes 10-99/${whole.body.length}`);
    assert.deepEqual(part.body, whole.body.subarray(10, 100));
    const beyond = await ask(edge, "br", `range: bytes=${whole.body.length}-`);
    assert.equal(beyond.status, 416);
    const several = await ask(edge, "br", "range: bytes=0-0,1000-1001");
    const line = `Content-Range: bytes 1000-1001/${whole.body.length}\r\n\r\n`;
    const content = whole.body.toString("latin1").slice(1_000, 1_002);
    assert(several.body.toString("latin1").includes(line + content));
  });

  test("are whole where If-Range has what variants share, which is weak", async () => {
    const { edge } = await startCompressing({ "last-modified": lastModified });
    await using _ = edge;
    for (const accepted of ["br", undefined]) {
      const asked = ["range: bytes=0-9", `if-range: ${lastModified}`];
      assert.equal((await ask(edge, accepted, ...asked)).status, 200);
      assert.equal((await ask(edge, accepted, "range: bytes=0-9", 'if-range: W/"a"')).status, 200);
    }
    const strong = ["range: bytes=0-9", 'if-range: "a"'];
    assert.equal((await ask(edge, "br", ...strong)).status, 200);
    assert.equal((await ask(edge, undefined, ...strong)).status, 206);
  });
});

describe("content is not coded", () => {
  const rows: readonly {
    readonly what: string;
    readonly headers?: Readonly<Record<string, string>>;
    readonly body?: string;
  }[] = [
    { what: "of a type that does not become smaller", headers: { "content-type": "image/png" } },
    { what: "that its origin has coded", headers: { "content-encoding": "gzip" } },
    { what: "that must not be transformed", headers: { "cache-control": "no-transform" } },
    { what: "that is small", body: words(859) },
    { what: "that is for one client alone", headers: { "cache-control": "private" } },
    { what: "that is kept in slices", body: words(MIB + 1) },
  ];
  for (const { what, headers, body } of rows) {
    test(what, async (context) => {
      const encoders = watchEncoders(context);
      const { edge, origin } = await startCompressing(headers, body);
      await using _ = edge;
      for (let i = 0; i < 2; i += 1) {
        const reply = await ask(edge, BROWSER);
        assert.equal(reply.fields.get("content-encoding"), headers?.["content-encoding"]);
        assert.equal(reply.fields.get("vary"), undefined);
        assert.equal(reply.fields.get("etag"), '"a"');
        assert.equal(reply.body.toString("latin1"), origin.body);
      }
      assert.equal(encoders.made, 0);
    });
  }

  test("to who presents a credential, or has a link of their own", async () => {
    const { edge } = await startCompressing();
    await using _ = edge;
    const bearer = await ask(edge, "br", "authorization: Bearer t");
    const presigned = await askFor(edge, "GET /a?X-Amz-Signature=s", "br");
    for (const { fields, body } of [bearer, presigned]) {
      assert.equal(fields.get("content-encoding"), undefined);
      assert.equal(body.toString(), TEXT);
    }
  });

  test("that has nothing to gain by it, which is found out once", async (context) => {
    const encoders = watchEncoders(context);
    const dense = randomBytes(10_000);
    await using edge = await startEdge((_, response) => {
      response.writeHead(200, { "content-type": "text/plain", "content-length": dense.length });
      response.end(dense);
    });
    compress(edge);
    for (let i = 0; i < 3; i += 1) {
      const reply = await ask(edge, "br");
      assert.deepEqual(reply.body, dense);
      assert.equal(reply.fields.get("content-encoding"), undefined);
      assert.equal(reply.fields.get("vary"), "accept-encoding");
    }
    assert.equal(encoders.made, 1);
  });
});

describe("content is coded behind the first reply", () => {
  test("that nobody knows the length of", async () => {
    await using edge = await startEdge((_, response) => {
      response.writeHead(200, { "content-type": "text/css", etag: '"a"' });
      response.write(TEXT.slice(0, 100));
      response.end(TEXT.slice(100));
    });
    compress(edge);
    const first = await ask(edge, "br");
    assert.equal(first.fields.get("content-encoding"), undefined);
    assert.equal(first.fields.get("vary"), "accept-encoding");
    assert.equal(first.body.toString(), TEXT);
    assert.equal(decoded(await askUntilCoded(edge, "br")), TEXT);
  });

  test("that is longer than 1 MiB", async (context) => {
    const encoders = watchEncoders(context);
    const text = "a line\n".repeat(MIB / 6);
    // Without a strong validator it is not kept in slices.
    const { edge, origin } = await startCompressing({ etag: 'W/"a"' }, text);
    await using _ = edge;
    const first = await ask(edge, "br");
    assert.equal(first.fields.get("content-encoding"), undefined);
    assert.equal(first.fields.get("vary"), "accept-encoding");
    assert.equal(first.body.length, text.length);
    assert.equal(decoded(await askUntilCoded(edge, "br")), text);
    assert.deepEqual([encoders.made, origin.fetches], [1, 1]);
  });
});

describe("a proxy with compression", () => {
  async function startProxy(headers: Readonly<Record<string, string>>) {
    const origin = countingOrigin({ "cache-control": "max-age=60", ...headers });
    origin.body = TEXT;
    const edge = await startEdge(origin.answer, { proxy: {} });
    const settings = { compression: true };
    const { endpoint: served } = edge.feed.endpoints.find("any") ?? {};
    assert(served !== undefined);
    const put = { kind: "endpoint-put", endpoint: { ...served, settings } } as const;
    edge.feed.apply([{ number: edge.feed.number + 1, ...put }]);
    return { edge, origin };
  }

  test("codes what its origin has not, for each who asks", async () => {
    const { edge, origin } = await startProxy({ "content-type": "text/css" });
    await using _ = edge;
    for (const cache of ["MISS", "HIT"]) {
      const reply = await ask(edge, "gzip");
      assert.equal(reply.fields.get("x-cache"), cache);
      assert.equal(reply.fields.get("content-encoding"), "gzip");
      assert.equal(decoded(reply), TEXT);
    }
    assert.equal(decoded(await ask(edge, undefined)), TEXT);
    assert.equal(origin.fetches, 1);
  });

  test("codes what its origin would have told apart, each variant by itself", async () => {
    const vary = "Accept-Encoding, Accept-Language";
    const { edge, origin } = await startProxy({ "content-type": "text/css", vary });
    await using _ = edge;
    for (const accepted of ["br", "br", undefined, undefined]) {
      const reply = await ask(edge, accepted);
      assert.equal(reply.fields.get("vary"), vary);
      assert.equal(reply.fields.get("content-encoding"), accepted);
      assert.equal(decoded(reply), TEXT);
    }
    assert.equal(origin.fetches, 2);
  });
});
