import assert from "node:assert/strict";
import { text } from "node:stream/consumers";
import { describe, test } from "node:test";
import { setImmediate } from "node:timers/promises";
import type { Exchange } from "#edge/exchange.ts";
import type { RequestHead } from "#edge/request.ts";
import { converse, echo, repliesIn, replyWith, startWire } from "./wire.ts";

const HOST = "Host: a.test\r\n";
const CHUNKED = "Transfer-Encoding: chunked\r\n";
/** What must not be taken for a request where it is content, nor be answered after a refusal. */
const NEXT = `GET /next HTTP/1.1\r\n${HOST}\r\n`;

function get(...lines: string[]): string {
  return `GET / HTTP/1.1\r\n${HOST}${lines.map((line) => `${line}\r\n`).join("")}\r\n`;
}

function post(content: string, ...lines: string[]): string {
  return `POST / HTTP/1.1\r\n${HOST}${lines.map((line) => `${line}\r\n`).join("")}\r\n${content}`;
}

interface Case {
  readonly what: string;
  readonly sent: string;
  /** A status and a content for each reply; of a refusal the status alone. */
  readonly replies: readonly string[];
}

function check(cases: readonly Case[]): void {
  for (const { what, sent, replies } of cases) {
    test(what, async () => {
      const received = repliesIn(await converse([sent]));
      const short = received.map((reply) => (reply.startsWith("2") ? reply : reply.slice(0, 3)));
      assert.deepEqual(short, replies);
    });
  }
}

describe("RFC 9112 §6.3: a request ends", () => {
  check([
    { what: "with its head", sent: get() + NEXT, replies: ["200 GET /", "200 GET /next"] },
    {
      what: "with its head, whatever its method, if it says nothing of content",
      sent: post("") + NEXT,
      replies: ["200 POST /", "200 GET /next"],
    },
    {
      what: "after as many octets as Content-Length says",
      sent: post("abc", "Content-Length: 3") + NEXT,
      replies: ["200 POST / abc", "200 GET /next"],
    },
    {
      what: "after content that looks like a request",
      sent: post(NEXT, `Content-Length: ${NEXT.length}`) + NEXT,
      replies: [`200 POST / ${NEXT}`.trim(), "200 GET /next"],
    },
    {
      what: "after its last chunk",
      sent: post("3\r\nabc\r\n0\r\n\r\n", "Transfer-Encoding: chunked") + NEXT,
      replies: ["200 POST / abc", "200 GET /next"],
    },
    {
      what: "after chunks that look like a request",
      sent:
        post(`${NEXT.length.toString(16)}\r\n${NEXT}\r\n0\r\n\r\n`, "Transfer-Encoding: chunked") +
        NEXT,
      replies: [`200 POST / ${NEXT}`.trim(), "200 GET /next"],
    },
    {
      what: "after its trailers",
      sent: post("0\r\nA: b\r\n\r\n", "Transfer-Encoding: chunked") + NEXT,
      replies: ["200 POST /  a=b", "200 GET /next"],
    },
    {
      what: "after the content of a GET too",
      sent: `GET / HTTP/1.1\r\n${HOST}Content-Length: 3\r\n\r\nabc${NEXT}`,
      replies: ["200 GET / abc", "200 GET /next"],
    },
    {
      what: "nowhere that is known, when its connection ends before it",
      sent: post("ab", "Content-Length: 3"),
      replies: ["400"],
    },
    {
      what: "nowhere that is known, when its connection ends before its last chunk",
      sent: post("3\r\nabc\r\n", "Transfer-Encoding: chunked"),
      replies: ["400"],
    },
  ]);
});

describe("RFC 9112 §2.2, §9.6, §11.2: nothing is answered after", () => {
  const refused: readonly (readonly [what: string, sent: string, status: string])[] = [
    ["a bare LF", `GET / HTTP/1.1\n${HOST}\r\n`, "400"],
    ["a field without a colon", `GET / HTTP/1.1\r\n${HOST}a\r\n\r\n`, "400"],
    ["two Hosts", `GET / HTTP/1.1\r\n${HOST}${HOST}\r\n`, "400"],
    ["no Host", "GET / HTTP/1.1\r\n\r\n", "400"],
    ["a fragment", `GET /#a HTTP/1.1\r\n${HOST}\r\n`, "400"],
    [
      "Content-Length with Transfer-Encoding",
      post("0\r\n\r\n", "Content-Length: 5", "Transfer-Encoding: chunked"),
      "400",
    ],
    ["an unknown coding", post("0\r\n\r\n", "Transfer-Encoding: xchunked"), "400"],
    ["two lengths", post("abc", "Content-Length: 3", "Content-Length: 3"), "400"],
    ["a coding in HTTP/1.0", `POST / HTTP/1.0\r\n${HOST}${CHUNKED}\r\n0\r\n\r\n`, "400"],
    ["an odd chunk size", post("0x0\r\n\r\n", "Transfer-Encoding: chunked"), "400"],
    ["an odd chunk extension", post("0;\r\n\r\n", "Transfer-Encoding: chunked"), "400"],
    ["a chunk that is too long", post("1\r\nab\r\n0\r\n\r\n", "Transfer-Encoding: chunked"), "400"],
    ["a malformed trailer", post("0\r\na b: c\r\n\r\n", "Transfer-Encoding: chunked"), "400"],
    ["an unknown expectation", get("Expect: 200-ok"), "417"],
    ["a target over 16 KiB", `GET /${"a".repeat(16_384)} HTTP/1.1\r\n${HOST}\r\n`, "414"],
    ["a head over 32 KiB", get(`a: ${"b".repeat(32_768)}`), "431"],
    ["101 fields", get(...Array.from({ length: 100 }, () => "a: b")), "431"],
    ["CONNECT", `CONNECT a.test:443 HTTP/1.1\r\n${HOST}\r\n`, "501"],
    ["Upgrade", get("Connection: upgrade", "Upgrade: websocket"), "501"],
    ["HTTP/2", "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", "505"],
  ];
  for (const [what, sent, status] of refused) {
    test(`${what}: ${status}`, async () => {
      const answer = await converse([sent + NEXT]);
      const replies = repliesIn(answer);
      assert.deepEqual(
        replies.map((reply) => reply.slice(0, 3)),
        [status],
      );
      assert.match(answer, /^connection: close\r$/m);
      assert.match(answer, /^x-request-id: -\r$/m);
    });
  }

  check([
    { what: "Connection: close", sent: get("Connection: close") + NEXT, replies: ["200 GET /"] },
    {
      what: "content of a request with Connection: close",
      sent: post("abc", "Connection: close", "Content-Length: 3") + NEXT,
      replies: ["200 POST / abc"],
    },
    { what: "HTTP/1.0", sent: `GET / HTTP/1.0\r\n${HOST}\r\n${NEXT}`, replies: ["200 GET /"] },
    {
      what: "a refusal that came after good requests, which are answered",
      sent: get() + get() + get("a : b") + NEXT,
      replies: ["200 GET /", "200 GET /", "400"],
    },
  ]);

  test("a reply that did not wait for the content", async () => {
    const hasty = (request: RequestHead, exchange: Exchange): void =>
      exchange.respond(replyWith(request, "no", 413));
    const answer = await converse([post("", "Content-Length: 9"), NEXT], hasty);
    assert.deepEqual(repliesIn(answer), ["413 no"]);
    assert.match(answer, /^connection: close\r$/m);
  });
});

describe("RFC 9112 §9.3: a connection persists", () => {
  const connections: readonly (readonly [version: string, lines: string, persists: boolean])[] = [
    ["HTTP/1.1", "", true],
    ["HTTP/1.1", "Connection: keep-alive\r\n", true],
    ["HTTP/1.1", "Connection: close\r\n", false],
    ["HTTP/1.1", "Connection: CLOSE\r\n", false],
    ["HTTP/1.1", "Connection: x ,\tclose\r\n", false],
    ["HTTP/1.1", "Connection: x\r\nConnection: close\r\n", false],
    ["HTTP/1.1", "Connection: keep-alive, close\r\n", false],
    ["HTTP/1.1", "Connection: closed\r\n", true],
    ["HTTP/1.2", "", true],
    ["HTTP/1.0", "", false],
    ["HTTP/1.0", "Connection: x\r\n", false],
    ["HTTP/1.0", "Connection: keep-alive\r\n", true],
    ["HTTP/1.0", "Connection: Keep-Alive, close\r\n", false],
  ];
  for (const [version, lines, persists] of connections) {
    test(`${persists ? "after" : "not after"} ${version} ${JSON.stringify(lines)}`, async () => {
      const answer = await converse([`GET / ${version}\r\n${HOST}${lines}\r\n${NEXT}`]);
      assert.equal(repliesIn(answer).length, persists ? 2 : 1);
      // RFC 9112 §9.6: a server that closes says so.
      const [, said] = /^connection: (.*)\r$/m.exec(answer) ?? [];
      const kept = version === "HTTP/1.0" ? "keep-alive" : undefined;
      assert.equal(said, persists ? kept : "close");
    });
  }
});

describe("RFC 9112 §9.3.2: pipelined requests", () => {
  test("are answered in their order, however long each takes", async () => {
    const delayed = (request: RequestHead, exchange: Exchange): void => {
      const turns = Number(request.target.slice(1)) % 3;
      if (turns === 0) echo(request, exchange);
      else setTimeout(() => echo(request, exchange), turns);
    };
    const targets = Array.from({ length: 50 }, (_, i) => `/${i}`);
    const sent = targets.map((target) => `GET ${target} HTTP/1.1\r\n${HOST}\r\n`);
    const replies = repliesIn(await converse([sent.join("")], delayed));
    assert.deepEqual(
      replies,
      targets.map((target) => `200 GET ${target}`),
    );
  });

  test("are all answered though the client has ended its side", async () => {
    const replies = repliesIn(await converse([get().repeat(1_000)]));
    assert.equal(replies.length, 1_000);
  });

  test("are all answered though the client reads nothing before it has ended its side", async () => {
    const large = "x".repeat(10_000);
    const { peer } = startWire((request, exchange) => exchange.respond(replyWith(request, large)));
    peer.end(get().repeat(200));
    for (let turn = 0; turn < 10; turn += 1) await setImmediate();
    assert.equal(repliesIn(await text(peer)).length, 200);
  });
});

describe("RFC 9110 §6.4.1: no content follows the head of", () => {
  const serve = (request: RequestHead, exchange: Exchange): void => {
    const reply = replyWith(request, "content");
    const { content: _content, ...head } = reply;
    const status = Number(request.target.slice(1));
    exchange.respond(status === 200 ? reply : { ...head, status, contentLength: undefined });
  };
  for (const [method, status] of [
    ["HEAD", 200],
    ["GET", 204],
    ["GET", 304],
  ] as const) {
    test(`a ${status} to ${method}`, async () => {
      const sent = `${method} /${status} HTTP/1.1\r\n${HOST}\r\n`;
      const answer = await converse([sent + sent], serve);
      const heads = answer.split("\r\n\r\n");
      assert.equal(heads.length, 3);
      assert.equal(heads[2], "");
      assert(heads[1]?.startsWith(`HTTP/1.1 ${status} `));
      assert.equal(answer.includes("content-length: 7"), method === "HEAD");
    });
  }
});

describe("RFC 9110 §10.1.1: a client that expects 100", () => {
  const EXPECT = "Expect: 100-continue";
  const wanted = post("", "Content-Length: 3", EXPECT);

  test("is told to continue once its content is wanted", async () => {
    const replies = repliesIn(await converse([wanted, "abc"]));
    assert.deepEqual(replies, ["100", "200 POST / abc"]);
  });

  check([
    {
      what: "is not when it has sent some already",
      sent: `${wanted}abc`,
      replies: ["200 POST / abc"],
    },
    { what: "is not when it has none", sent: get(EXPECT), replies: ["200 GET /"] },
    {
      what: "is not when its content is of no length",
      sent: post("", "Content-Length: 0", EXPECT),
      replies: ["200 POST /"],
    },
    { what: "may write so in any case", sent: get("Expect: 100-Continue"), replies: ["200 GET /"] },
    { what: "and something else gets 417", sent: get("Expect: 100-continue, x"), replies: ["417"] },
  ]);

  test("is not told in HTTP/1.0", async () => {
    const head = `POST / HTTP/1.0\r\n${HOST}Content-Length: 3\r\n${EXPECT}\r\n\r\n`;
    assert.deepEqual(repliesIn(await converse([head, "abc"])), ["200 POST / abc"]);
  });

  test("is told no more than the answer when nobody wants its content", async () => {
    const refuse = (request: RequestHead, exchange: Exchange): void =>
      exchange.respond(replyWith(request, "no", 403));
    assert.deepEqual(repliesIn(await converse([wanted, NEXT], refuse)), ["403 no"]);
  });
});
