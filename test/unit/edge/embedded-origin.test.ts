import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { systemClock } from "#clock.ts";
import { HttpOrigin } from "#edge/origin/http-origin.ts";
import { startOriginServer } from "#space/origin-server.ts";
import type { ObjectFiles, SpaceStore, StoredObject } from "#space/space.ts";
import { ENDPOINT, REQUEST, readBody } from "./origin/support.ts";

const MODIFIED = Date.UTC(2026, 10, 22, 11, 0, 0, 250);
const CONTENT = "0123456789";

interface EmbeddedOrigin extends AsyncDisposable {
  readonly port: number;
  get(lines: Readonly<Record<string, string>>, method?: string): Promise<Response>;
}

/** The origin server of one Space with one object, asked as an edge asks. */
async function startOrigin(): Promise<EmbeddedOrigin> {
  const object: StoredObject = {
    spaceId: 1,
    key: "a",
    file: "f",
    sizeBytes: CONTENT.length,
    etag: "e",
    contentType: "text/plain",
    metadata: {},
    lastModified: MODIFIED,
  };
  const store: Pick<SpaceStore, "findSpace" | "findObject"> = {
    findSpace: (name, region) => ({ id: 1, accountId: 1, name, region, createdAt: 0 }),
    findObject: (_id, key) => (key === "a" ? object : undefined),
  };
  const files: Pick<ObjectFiles, "open"> = {
    open: async () => ({
      async *read(first, last) {
        yield Buffer.from(CONTENT.slice(first, last + 1));
      },
      [Symbol.asyncDispose]: async () => undefined,
    }),
  };
  const log = { info: () => undefined, warn: () => undefined, error: () => undefined };
  const server = await startOriginServer({
    store: store as SpaceStore,
    files: files as ObjectFiles,
    secret: "s3cret",
    log,
  });
  return {
    port: server.port,
    get: (lines, method = "GET") =>
      fetch(`http://127.0.0.1:${server.port}/static.nyc3/a`, {
        method,
        headers: { "x-atoll-secret": "s3cret", connection: "close", ...lines },
      }),
    [Symbol.asyncDispose]: () => server[Symbol.asyncDispose](),
  };
}

describe("an embedded object", () => {
  const AT = "Sun, 22 Nov 2026 11:00:00 GMT";
  const BEFORE = "Sun, 22 Nov 2026 10:59:59 GMT";
  const cases: readonly (readonly [Readonly<Record<string, string>>, number, string])[] = [
    [{ range: "bytes=2-4" }, 206, "234"],
    [{ range: "bytes=2-4", "if-range": '"e"' }, 206, "234"],
    // Another version, a weak validator, a date: no parts of two versions are put together.
    [{ range: "bytes=2-4", "if-range": '"old"' }, 200, CONTENT],
    [{ range: "bytes=2-4", "if-range": 'W/"e"' }, 200, CONTENT],
    [{ range: "bytes=2-4", "if-range": AT }, 200, CONTENT],
    [{ range: "bytes=99-", "if-range": '"old"' }, 200, CONTENT],
    [{ "if-none-match": '"x", W/"e"' }, 304, ""],
    [{ "if-none-match": '"x"', "if-modified-since": AT }, 200, CONTENT],
    [{ "if-modified-since": AT }, 304, ""],
    [{ "if-modified-since": BEFORE }, 200, CONTENT],
    // RFC 9110 §13.1.3: what is no HTTP-date is no condition.
    [{ "if-modified-since": "2027-01-01" }, 200, CONTENT],
    [{ "if-match": '"e"' }, 200, CONTENT],
    [{ "if-match": "*" }, 200, CONTENT],
    [{ "if-match": '"x"' }, 412, "PreconditionFailed"],
    [{ "if-match": 'W/"e"' }, 412, "PreconditionFailed"],
    [{ "if-unmodified-since": BEFORE }, 412, "PreconditionFailed"],
    [{ "if-unmodified-since": AT }, 200, CONTENT],
    // RFC 9110 §13.2.2: If-Match goes before If-Unmodified-Since, and both before If-None-Match.
    [{ "if-match": '"e"', "if-unmodified-since": BEFORE }, 200, CONTENT],
    [{ "if-match": '"x"', "if-none-match": '"e"' }, 412, "PreconditionFailed"],
  ];
  for (const [lines, status, content] of cases) {
    const asked = Object.entries(lines).map(([name, value]) => `${name}: ${value}`);
    test(`answers ${status} to ${asked.join(", ")}`, async () => {
      await using origin = await startOrigin();
      const response = await origin.get(lines);
      const text = await response.text();
      assert.equal(response.status, status);
      assert.equal(status === 412 ? text.includes(content) : text === content, true, text);
    });
  }

  test("is not cut to a range for HEAD", async () => {
    await using origin = await startOrigin();
    const response = await origin.get({ range: "bytes=2-4" }, "HEAD");
    assert.equal(response.status, 200);
    assert.equal(response.headers.get("content-length"), "10");
  });
});

describe("a part of an embedded object", () => {
  /** What an edge makes of it: the content as it came, or why there is none. */
  async function fetchPart(...fields: readonly string[]): Promise<readonly [number, string]> {
    await using server = await startOrigin();
    await using stack = new AsyncDisposableStack();
    const origin = new HttpOrigin({ port: server.port, secret: "s3cret" }, systemClock);
    stack.defer(() => origin.close());
    const signal = new AbortController().signal;
    const endpoint = ENDPOINT;
    const response = await origin.fetch({ ...REQUEST, endpoint, fields }, signal);
    assert(response.kind === "response");
    const { text, isWhole } = await readBody(response);
    assert.equal(isWhole, true);
    return [response.status, text];
  }

  const parts: readonly (readonly [readonly string[], number, string])[] = [
    [["range", "bytes=0-0"], 206, "0"],
    [["range", "bytes=2-4"], 206, "234"],
    [["range", "bytes=8-99"], 206, "89"],
    [["range", "bytes=-3"], 206, "789"],
    [["range", "bytes=2-4", "if-range", '"e"'], 206, "234"],
    [["range", "bytes=2-4", "if-range", '"old"'], 200, CONTENT],
  ];
  for (const [fields, status, content] of parts) {
    test(`is what an edge has asked for by ${fields.join(" ")}`, async () => {
      assert.deepEqual(await fetchPart(...fields), [status, content]);
    });
  }

  test("that does not exist is told by 416", async () => {
    const [status] = await fetchPart("range", "bytes=99-");
    assert.equal(status, 416);
  });
});
