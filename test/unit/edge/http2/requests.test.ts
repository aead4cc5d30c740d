import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { FIELD_LINES_MAX, HEAD_BYTES_MAX, TARGET_BYTES_MAX } from "#edge/limits.ts";
import { FrameType } from "#edge/wire/http2/frames.ts";
import {
  block,
  continuation,
  data,
  endHeaders,
  endStream,
  frame,
  GET,
  headers,
  POST,
  whole,
} from "./frames.ts";
import { ok, Peer, reply } from "./support.ts";

const malformed = ["RST_STREAM 1 PROTOCOL_ERROR"];
const without = (name: string): string[] => {
  const at = GET.indexOf(name);
  return GET.toSpliced(at, 2);
};
const having = (name: string, value: string): string[] =>
  GET.map((text, i) => (GET[i - 1] === name && i % 2 === 1 ? value : text));

/** Field sections of which nothing may be believed. */
const faults: readonly (readonly [string, readonly string[]])[] = [
  ["§8.2 an upper-case name", [...GET, "X-A", "b"]],
  ["§8.2.1 an empty name", [...GET, "", "b"]],
  ["§8.2.1 a name with a space", [...GET, "x a", "b"]],
  ["§8.2.1 a name with a colon in it", [...GET, "x:a", "b"]],
  ["§8.2.1 a name with a control", [...GET, "x\x7f", "b"]],
  ["§8.2.1 a name beyond ASCII", [...GET, "x\xe9", "b"]],
  ["§8.2.1 CR in a value", [...GET, "x-a", "b\rc"]],
  ["§8.2.1 LF in a value", [...GET, "x-a", "b\nc"]],
  ["§8.2.1 NUL in a value", [...GET, "x-a", "b\0c"]],
  ["§8.2.1 a value that begins with a space", [...GET, "x-a", " b"]],
  ["§8.2.1 a value that ends with a tab", [...GET, "x-a", "b\t"]],
  ["RFC 9110 §5.5 another control in a value", [...GET, "x-a", "b\x01c"]],
  ["§8.2.2 connection", [...GET, "connection", "close"]],
  ["§8.2.2 keep-alive", [...GET, "keep-alive", "5"]],
  ["§8.2.2 proxy-connection", [...GET, "proxy-connection", "close"]],
  ["§8.2.2 transfer-encoding", [...GET, "transfer-encoding", "chunked"]],
  ["§8.2.2 upgrade", [...GET, "upgrade", "h2c"]],
  ["§8.2.2 te of anything but trailers", [...GET, "te", "trailers, gzip"]],
  ["§8.3 an unknown pseudo-field", [...GET, ":protocol", "websocket"]],
  ["§8.3 a pseudo-field of responses", [...GET, ":status", "200"]],
  ["§8.3 a pseudo-field after others", [...without(":path"), "x-a", "b", ":path", "/"]],
  ["§8.3.1 :method twice", [...GET, ":method", "GET"]],
  ["§8.3.1 :path twice", [...GET, ":path", "/"]],
  ["§8.3.1 no :method", without(":method")],
  ["§8.3.1 no :scheme", without(":scheme")],
  ["§8.3.1 no :path", without(":path")],
  ["§8.3.1 an empty :path", having(":path", "")],
  ["§8.3.1 a :path without a slash", having(":path", "a")],
  ["§8.3.1 a :path of * in a GET", having(":path", "*")],
  ["§8.3.1 a :path in absolute form", having(":path", "http://a.test/")],
  ["§8.3.1 a :path with a space", having(":path", "/a b")],
  ["§8.3.1 a :path with a fragment", having(":path", "/a#b")],
  ["§8.3.1 a :path beyond ASCII", having(":path", "/\xe9")],
  ["§8.3.1 a :path with CRLF", having(":path", "/\r\nx")],
  ["§8.3.1 a :scheme that is not served", having(":scheme", "ftp")],
  ["§8.3.1 a :method that is no token", having(":method", "GE T")],
  ["§8.3.1 neither :authority nor Host", without(":authority")],
  ["§8.3.1 an empty :authority", having(":authority", "")],
  ["§8.3.1 a user in :authority", having(":authority", "me@a.test")],
  ["§8.3.1 a Host that disagrees", [...GET, "host", "b.test"]],
  ["RFC 9110 §7.2 two Hosts", [...GET, "host", "a.test", "host", "a.test"]],
  ["§8.5 CONNECT with a target", having(":method", "CONNECT")],
  ["§8.1.1 a length without content", [...GET, "content-length", "1"]],
  ["RFC 9110 §8.6 two lengths", [...GET, "content-length", "0", "content-length", "0"]],
  ["RFC 9110 §8.6 a length that is no number", [...GET, "content-length", "+0"]],
];

describe("a request", () => {
  for (const [fault, fields] of faults) {
    test(`${fault}: it is malformed`, async () => {
      using peer = new Peer({ serve: ok });
      const heard = await peer.exchange(headers(1, whole, fields), headers(3));
      assert.deepEqual(heard, [...malformed, "HEADERS 3", "DATA 3 2 END_STREAM"]);
      assert.equal(peer.asked.length, 1);
    });
  }

  const refused = [
    ["414 for a target too long", having(":path", `/${"a".repeat(TARGET_BYTES_MAX)}`), 414],
    ["RFC 9110 §10.1.1: 417 for an unknown expectation", [...GET, "expect", "tea"], 417],
    ["431 for a head too long", [...GET, "x-a", "b".repeat(HEAD_BYTES_MAX)], 431],
    [
      "431 for too many lines",
      [...GET, ...Array.from({ length: FIELD_LINES_MAX + 1 }, (_, i) => [`x-${i}`, "b"]).flat()],
      431,
    ],
    ["501 for CONNECT", [":method", "CONNECT", ":authority", "a.test:443"], 501],
  ] as const;
  for (const [what, fields, status] of refused) {
    test(`is answered ${what}, and the connection goes on`, async () => {
      using peer = new Peer({ serve: ok });
      const text = block(fields);
      const frames = [frame(FrameType.headers, endStream, 1, text.slice(0, 16_384))];
      for (let at = 16_384; at < text.length; at += 16_384) {
        frames.push(continuation(1, 0, text.slice(at, at + 16_384)));
      }
      peer.send(...frames, continuation(1, endHeaders), headers(3));
      const heads = (await peer.receive()).filter(({ type }) => type === FrameType.headers);
      const statuses = heads.map((head) => peer.fields(head).slice(0, 2));
      assert.deepEqual(statuses, [
        [":status", String(status)],
        [":status", "200"],
      ]);
    });
  }

  test("has its fields without the pseudo-fields, in order", async () => {
    using peer = new Peer();
    await peer.exchange(headers(1, whole, [...GET, "x-b", "2", "te", "trailers", "x-a", "1"]));
    assert.deepEqual(peer.asked[0]?.request, {
      version: "HTTP/2.0",
      method: "GET",
      target: "/",
      host: "a.test",
      fields: ["x-b", "2", "te", "trailers", "x-a", "1"],
      contentLength: 0,
    });
  });

  test("§8.2.3 has the crumbs of a cookie as one", async () => {
    using peer = new Peer();
    const crumbs = ["x-a", "cookie", "cookie", "a=1", "x-b", "2", "cookie", "b=2", "cookie", "c=3"];
    await peer.exchange(headers(1, whole, [...GET, ...crumbs]));
    const joined = ["x-a", "cookie", "cookie", "a=1; b=2; c=3", "x-b", "2"];
    assert.deepEqual(peer.asked[0]?.request.fields, joined);
  });

  test("§8.3.1 has its host from Host where there is no :authority", async () => {
    using peer = new Peer();
    const agreeing = [...GET, "host", "A.test:443"];
    const alone = [...without(":authority"), "host", "b.test"];
    await peer.exchange(headers(1, whole, agreeing), headers(3, whole, alone));
    assert.deepEqual(
      peer.asked.map(({ request }) => request.host),
      ["a.test", "b.test"],
    );
  });

  test("§8.3.1 may be OPTIONS of *", async () => {
    using peer = new Peer();
    const fields = having(":path", "*").map((text) => (text === "GET" ? "OPTIONS" : text));
    await peer.exchange(headers(1, whole, fields));
    assert.equal(peer.asked[0]?.request.target, "*");
  });

  test("that repeats the last is the same, and no other is", async () => {
    using peer = new Peer();
    const other = having(":path", "/b");
    await peer.exchange(headers(1), headers(3), headers(5, whole, other), headers(7));
    await peer.exchange(headers(9, endHeaders, GET), headers(11));
    const heads = peer.asked.map(({ request }) => request);
    assert.equal(heads[0], heads[1]);
    assert.deepEqual(
      heads.map(({ target }) => target),
      ["/", "/", "/b", "/", "/", "/"],
    );
    assert.deepEqual(
      heads.map(({ contentLength }) => contentLength),
      [0, 0, 0, 0, "unknown", 0],
    );
  });

  test("RFC 7541 §2.3 is decoded again where the table has moved", async () => {
    using peer = new Peer();
    const insert = (value: string): Buffer =>
      frame(FrameType.headers, whole, 1, `${block(GET)}\x40\x03x-a\x01${value}`);
    const at = (streamId: number, octets: Buffer): Buffer => {
      const copy = Buffer.from(octets);
      copy.writeUInt32BE(streamId, 5);
      return copy;
    };
    const latest = frame(FrameType.headers, whole, 1, `${block(GET)}\xbe`);
    await peer.exchange(at(1, insert("1")), at(3, latest), at(5, latest));
    await peer.exchange(at(7, insert("2")), at(9, latest));
    const values = peer.asked.map(({ request }) => request.fields[1]);
    assert.deepEqual(values, ["1", "1", "1", "2", "2"]);
  });
});

describe("the content of a request", () => {
  const post = (...fields: readonly string[]): Buffer =>
    headers(1, endHeaders, [...POST, ...fields]);

  /** Reads all of it and answers with it. */
  const echo = (peer: Peer): Promise<void> => {
    const exchange = peer.asking(1);
    return (async () => {
      const chunks: Buffer[] = [];
      for await (const chunk of exchange.content ?? []) chunks.push(chunk);
      exchange.respond(reply(Buffer.concat(chunks)));
    })();
  };

  test("§8.1 ends with END_STREAM", async () => {
    using peer = new Peer();
    await peer.exchange(post(), data(1, 0, "ab"), data(1, endStream, "cd"));
    assert.equal(peer.asked[0]?.request.contentLength, "unknown");
    await echo(peer);
    assert.deepEqual(await peer.hear(), ["HEADERS 1", "DATA 1 4 END_STREAM"]);
  });

  test("§8.1 may have trailers", async () => {
    using peer = new Peer();
    await peer.exchange(post(), data(1, 0, "ab"), headers(1, whole, ["x-sum", "1"]));
    const content = peer.asking(1).content;
    assert.equal(content?.isWhole, true);
    assert.deepEqual(content.trailers, ["x-sum", "1"]);
  });

  const bad: readonly (readonly [string, readonly Buffer[]])[] = [
    ["§8.1 trailers without END_STREAM", [post(), headers(1, endHeaders, ["x-a", "b"])]],
    ["§8.1 trailers with a pseudo-field", [post(), headers(1, whole, [":path", "/"])]],
    ["§8.2 trailers in upper case", [post(), headers(1, whole, ["X-A", "b"])]],
    ["§8.1.1 less than its length", [post("content-length", "3"), data(1, endStream, "ab")]],
    ["§8.1.1 more than its length", [post("content-length", "1"), data(1, 0, "ab")]],
    ["§8.1.1 none, by trailers", [post("content-length", "1"), headers(1, whole, ["x-a", "b"])]],
  ];
  for (const [fault, frames] of bad) {
    test(`${fault}: the request is malformed`, async () => {
      using peer = new Peer();
      assert.deepEqual(await peer.exchange(...frames), malformed);
      assert.equal(peer.asking(1).left, true);
      await assert.rejects(echo(peer), { name: "ContentBroken" });
    });
  }

  test("breaks where the stream is reset in its midst", async () => {
    using peer = new Peer();
    await peer.exchange(post(), data(1, 0, "ab"), frame(FrameType.rstStream, 0, 1, "\0\0\0\x08"));
    await assert.rejects(echo(peer), { name: "ContentBroken" });
  });

  test("is absent where its length is 0, whoever says so", async () => {
    using peer = new Peer({ serve: ok });
    const frames = [post("content-length", "0"), data(1, endStream)];
    assert.deepEqual(await peer.exchange(...frames), ["HEADERS 1", "DATA 1 2 END_STREAM"]);
    assert.equal(peer.asking(1).content, undefined);
  });

  test("§8.1 is not asked for any more once the answer is complete", async () => {
    using peer = new Peer({ serve: ok });
    const heard = ["HEADERS 1", "DATA 1 2 END_STREAM", "RST_STREAM 1 NO_ERROR"];
    assert.deepEqual(await peer.exchange(post(), data(1, 0, "ab")), heard);
    assert.deepEqual(await peer.exchange(data(1, 0, "cd"), data(1, endStream)), []);
  });

  test("RFC 9110 §10.1.1 is told to come when it is wanted", async () => {
    using peer = new Peer();
    assert.deepEqual(await peer.exchange(post("expect", "100-continue")), []);
    const echoed = echo(peer);
    assert.deepEqual(await peer.hear(), ["HEADERS 1"]);
    peer.send(data(1, endStream, "ab"));
    await echoed;
    assert.deepEqual(await peer.hear(), ["HEADERS 1", "DATA 1 2 END_STREAM"]);
  });
});
