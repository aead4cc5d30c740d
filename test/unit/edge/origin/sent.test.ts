import assert from "node:assert/strict";
import { describe, test } from "node:test";
import type { OriginRequest } from "#edge/origin/origin.ts";
import { requestText } from "#edge/origin/request-text.ts";
import { RequestContent } from "#edge/request-content.ts";
import { ok, startOrigin } from "./support.ts";

/** What an origin is sent, up to the end of its content. */
async function sent(request: Partial<OriginRequest>, isEnd: (text: string) => boolean) {
  let text = "";
  await using origin = await startOrigin((socket) => {
    if (text === "") text = origin.requests[0] ?? "";
    const more = (octets?: Buffer): void => {
      text += octets?.toString("latin1") ?? "";
      if (isEnd(text)) socket.write(ok("ok"));
    };
    socket.removeAllListeners("data").on("data", more);
    more();
  });
  const response = await origin.fetch(request);
  assert(response.kind === "response");
  response.discard();
  return text.replaceAll(new URL(origin.url).host, "HOST");
}

function contentOf(chunks: readonly string[], trailers?: readonly string[]): RequestContent {
  const content = new RequestContent({ taken: () => undefined, wanted: () => undefined });
  for (const chunk of chunks) content.add(Buffer.from(chunk));
  content.end(trailers);
  return content;
}

const WHOLE = (text: string): boolean => text.endsWith("\r\n\r\n");

describe("a request", () => {
  test("names the origin first, and all else behind it", async () => {
    const text = await sent({ fields: ["accept", "*/*", "x-a", "\xe9"] }, WHOLE);
    assert.match(
      text,
      /^GET \/a HTTP\/1\.1\r\nhost: HOST\r\nx-request-id: 1\r\naccept: \*\/\*\r\nx-a: \xe9\r\ncdn-loop: atoll-\w+\r\n\r\n$/,
    );
  });

  test("names whom the client named", async () => {
    const text = await sent({ fields: ["host", "a.test", "x-a", "b"] }, WHOLE);
    assert.match(text, /^GET \/a HTTP\/1\.1\r\nhost: a\.test\r\nx-request-id: 1\r\nx-a: b\r\n/);
    assert.doesNotMatch(text, /HOST/);
  });

  test("without content says so where some is expected (RFC 9110 §8.6)", async () => {
    for (const method of ["POST", "PUT", "PATCH"]) {
      assert.match(await sent({ method }, WHOLE), /\r\ncontent-length: 0\r\n/);
    }
    assert.doesNotMatch(await sent({ method: "DELETE" }, WHOLE), /content-length/);
  });

  test("has its content by its length, and no more than that", async () => {
    const content = contentOf(["abc", "def"]);
    const request = { method: "POST", content, contentLength: 6 };
    const text = await sent(request, (all) => all.endsWith("def"));
    assert.match(text, /\r\ncontent-length: 6\r\n/);
    assert.match(text, /\r\n\r\nabcdef$/);
  });

  test("has content of unknown length in chunks, with its trailers (RFC 9112 §7.1)", async () => {
    const content = contentOf(["abc", "0123456789abcdef"], ["x-checksum", "1", "host", "evil"]);
    const request = { method: "POST", content, contentLength: "unknown" } as const;
    const text = await sent(request, (all) => /0\r\n(?:.+\r\n)*\r\n$/.test(all));
    assert.match(text, /\r\ntransfer-encoding: chunked\r\n/);
    const [, body] = text.split("\r\n\r\n3\r\n");
    assert.equal(body, "abc\r\n10\r\n0123456789abcdef\r\n0\r\nx-checksum: 1\r\n\r\n");
  });

  for (const [what, length] of [
    ["longer", 2],
    ["shorter", 4],
  ] as const) {
    test(`whose content is ${what} than its length is cut`, async () => {
      await using origin = await startOrigin(() => undefined);
      const request = { method: "POST", content: contentOf(["ab", "c"]), contentLength: length };
      assert.equal((await origin.fetch(request)).kind, "failed");
    });
  }
});

describe("what no request can have is not sent:", () => {
  const head = { method: "GET", path: "/a", fields: [], host: "a.test" };
  const heads: readonly (readonly [string, Partial<Parameters<typeof requestText>[0]>])[] = [
    ["a line's end in a value", { fields: ["x", "a\r\nhost: b"] }],
    ["LF in a value", { fields: ["x", "a\nb"] }],
    ["NUL in a value", { fields: ["x", "a\0"] }],
    ["a character that is no octet", { fields: ["x", "\u0100"] }],
    ["a space in the target", { path: "/a HTTP/1.1\r\nx: y" }],
    ["a fragment", { path: "/a#b" }],
    ["é in the target", { path: "/\xe9" }],
  ];
  for (const [what, part] of heads) {
    test(what, () => assert(requestText({ ...head, ...part }) instanceof Error));
  }

  test("the client is told 400, and the origin nothing", async () => {
    await using origin = await startOrigin((socket) => void socket.write(ok("ok")));
    const failure = await origin.fetch({ fields: ["x", "a\nb"] });
    assert(failure.kind === "failed");
    assert.equal(failure.status, 400);
    assert.equal(failure.detail, "unusable-request");
    assert.equal(origin.connections, 0);
  });
});
