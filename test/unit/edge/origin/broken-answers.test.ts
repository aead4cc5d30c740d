import assert from "node:assert/strict";
import type { Socket } from "node:net";
import { describe, test } from "node:test";
import { ORIGIN_DISCARDED_BYTES_MAX, ORIGIN_INTERIM_MAX } from "#edge/limits.ts";
import { ok, readBody, startOrigin } from "./support.ts";

const LINE = `x: ${"y".repeat(98)}\r\n`;
const INTERIM = "HTTP/1.1 103 Early Hints\r\nlink: </a.css>\r\n\r\n";

describe("what is no HTTP/1.1 is a 502:", () => {
  const answers: readonly (readonly [string, string])[] = [
    ["a document without a head", "<html><body>Hello</body></html>\r\n\r\n"],
    ["another protocol", "SSH-2.0-OpenSSH_9.2\r\n\r\n"],
    ["octets", "\0\x01\x02\x03\xff\xfe\r\n\r\n"],
    ["HTTP/2", "\0\0\x12\x04\0\0\0\0\0\0\x03\0\0\0\x80\0\x04\0\x01\0\0\0\x05\0\xff\xff\xff"],
    ["a version that does not exist", "HTTP/9.9 200 OK\r\ncontent-length: 0\r\n\r\n"],
    ["a status of two digits", "HTTP/1.1 20 OK\r\ncontent-length: 0\r\n\r\n"],
    ["a status that is no number", "HTTP/1.1 2x0 OK\r\ncontent-length: 0\r\n\r\n"],
    ["a field without a name", "HTTP/1.1 200 OK\r\n: x\r\ncontent-length: 0\r\n\r\n"],
    ["a space before a colon", "HTTP/1.1 200 OK\r\ncontent-length : 0\r\n\r\n"],
    ["a folded line", "HTTP/1.1 200 OK\r\nx: a\r\n b\r\ncontent-length: 0\r\n\r\n"],
    ["a bare CR in a value", "HTTP/1.1 200 OK\r\nx: a\rset-cookie: b\r\ncontent-length: 0\r\n\r\n"],
    ["NUL in a value", "HTTP/1.1 200 OK\r\nx: a\0b\r\ncontent-length: 0\r\n\r\n"],
    ["two lengths", "HTTP/1.1 200 OK\r\ncontent-length: 1\r\ncontent-length: 2\r\n\r\nab"],
    ["a length that is a list", "HTTP/1.1 200 OK\r\ncontent-length: 2, 2\r\n\r\nab"],
    ["a negative length", "HTTP/1.1 200 OK\r\ncontent-length: -1\r\n\r\n"],
    ["a length that is no number", "HTTP/1.1 200 OK\r\ncontent-length: 0x2\r\n\r\nab"],
    ["a length beyond all numbers", `HTTP/1.1 200 OK\r\ncontent-length: ${"9".repeat(30)}\r\n\r\n`],
    [
      "a length beside chunks",
      "HTTP/1.1 200 OK\r\ncontent-length: 5\r\ntransfer-encoding: chunked\r\n\r\n0\r\n\r\n",
    ],
    ["a head without an end", `HTTP/1.1 200 OK\r\n${LINE.repeat(1_000)}`],
    ["fields without an end", `HTTP/1.1 200 OK\r\n${"x:\r\n".repeat(501)}\r\n`],
    ["a value without an end", `HTTP/1.1 200 OK\r\nx: ${"y".repeat(100_000)}`],
    ["interim responses without an end", INTERIM.repeat(ORIGIN_INTERIM_MAX + 1)],
    ["another coding", "HTTP/1.1 200 OK\r\ntransfer-encoding: gzip, chunked\r\n\r\n0\r\n\r\n"],
    ["a coding of HTTP/1.0", "HTTP/1.0 200 OK\r\ntransfer-encoding: chunked\r\n\r\n0\r\n\r\n"],
    ["what waits for an answer", "220 mail.example.net ESMTP"],
    [
      "a change of protocol",
      `HTTP/1.1 101 R\r\nconnection: upgrade\r\nupgrade: x\r\n\r\n${ok("a")}`,
    ],
    ["a change of protocol to nothing", `HTTP/1.1 101 R\r\n\r\n${ok("a")}`],
  ];
  for (const [what, octets] of answers) {
    test(what, async () => {
      await using origin = await startOrigin((socket) => void socket.write(octets, "latin1"));
      let told = 0;
      const failure = await origin.fetch({
        informed: (status) => {
          told += status === 101 ? 1 : 0;
        },
      });
      assert(failure.kind === "failed");
      assert.equal(failure.status, 502);
      assert.equal(failure.detail, "origin-invalid");
      assert.equal(origin.requests.length, 1);
      assert.equal(told, 0);
    });
  }
});

describe("interim responses", () => {
  test("go on, up to a limit, and not those fields that are for the connection", async () => {
    const told: unknown[] = [];
    await using origin = await startOrigin((socket) => {
      socket.write(INTERIM.replace("link", "connection: x\r\nx: 1\r\nlink").repeat(2) + ok("ok"));
    });
    const response = await origin.fetch({
      informed: (status, fields) => told.push([status, fields]),
    });
    assert.equal(response.kind, "response");
    const hints = [103, ["link", "</a.css>"]];
    assert.deepEqual(told, [hints, hints]);
  });

  test("that tell to continue, which nobody asked for, are left out", async () => {
    const told: number[] = [];
    await using origin = await startOrigin((socket) => {
      socket.write(`HTTP/1.1 100 Continue\r\n\r\n${INTERIM}HTTP/1.1 100\r\n\r\n${ok("ok")}`);
    });
    const response = await origin.fetch({ informed: (status) => told.push(status) });
    assert(response.kind === "response");
    assert.equal((await readBody(response)).text, "ok");
    assert.deepEqual(told, [103]);
  });
});

/** What is written after a head, and what of it is believed. */
interface Lie {
  readonly what: string;
  readonly head: string;
  readonly body: string;
  readonly finish?: (socket: Socket) => void;
  readonly text: string;
  readonly isWhole: boolean;
}

const end = (socket: Socket): void => void socket.end();
const reset = (socket: Socket): void => void socket.resetAndDestroy();
const CHUNKED = "transfer-encoding: chunked";

describe("a body", () => {
  const lies: readonly Lie[] = [
    {
      what: "shorter than its length",
      head: "content-length: 10",
      body: "01234",
      finish: end,
      text: "01234",
      isWhole: false,
    },
    {
      what: "longer than its length",
      head: "content-length: 5",
      body: "0123456789",
      text: "01234",
      isWhole: true,
    },
    {
      what: "with another response behind it",
      head: "content-length: 5",
      body: `01234${ok("evil")}`,
      text: "01234",
      isWhole: true,
    },
    {
      what: "that is reset",
      head: "content-length: 10",
      body: "01234",
      finish: reset,
      text: "01234",
      isWhole: false,
    },
    {
      what: "without a length that is reset",
      head: "x: y",
      body: "01234",
      finish: reset,
      text: "01234",
      isWhole: false,
    },
    {
      what: "without a length that ends with its connection",
      head: "x: y",
      body: "01234",
      finish: end,
      text: "01234",
      isWhole: true,
    },
    {
      what: "of chunks without a last one",
      head: CHUNKED,
      body: "5\r\n01234\r\n",
      finish: end,
      text: "01234",
      isWhole: false,
    },
    {
      what: "of a chunk that is cut",
      head: CHUNKED,
      body: "a\r\n01234",
      finish: end,
      text: "01234",
      isWhole: false,
    },
    {
      what: "of a chunk that is longer than it says",
      head: CHUNKED,
      body: "5\r\n0123456789\r\n0\r\n\r\n",
      text: "01234",
      isWhole: false,
    },
    {
      what: "of chunks whose size is none",
      head: CHUNKED,
      body: "5\r\n01234\r\nzz\r\nxx\r\n0\r\n\r\n",
      text: "01234",
      isWhole: false,
    },
    {
      what: "of a chunk beyond all sizes",
      head: CHUNKED,
      body: `5\r\n01234\r\n${"f".repeat(17)}\r\nx`,
      text: "01234",
      isWhole: false,
    },
    {
      what: "with trailers without an end",
      head: CHUNKED,
      body: `5\r\n01234\r\n0\r\n${LINE.repeat(1_000)}`,
      text: "01234",
      isWhole: false,
    },
  ];
  for (const { what, head, body, finish, text, isWhole } of lies) {
    test(`${what} is ${isWhole ? "whole" : "broken off, and told of"}`, async () => {
      await using origin = await startOrigin((socket) => {
        // The end comes after the octets were read: a reset would take them with it.
        socket.write(`HTTP/1.1 200 OK\r\n${head}\r\n\r\n${body}`, "latin1", () => {
          setImmediate(() => finish?.(socket));
        });
      });
      const response = await origin.fetch();
      assert(response.kind === "response");
      const read = await readBody(response);
      assert.equal(read.text, text);
      assert.equal(read.isWhole, isWhole);
      const details = origin.brokenOff.map(({ detail }) => detail);
      assert.deepEqual(details, isWhole ? [] : ["origin-broke-off"]);
    });
  }

  test("has trailers without those that decide about it", async () => {
    await using origin = await startOrigin((socket) => {
      const trailers = "X-Checksum: 1\r\nVary: *\r\nset-cookie: a=b\r\n";
      socket.write(`HTTP/1.1 200 OK\r\n${CHUNKED}\r\n\r\n2\r\nok\r\n0\r\n${trailers}\r\n`);
    });
    const response = await origin.fetch();
    assert(response.kind === "response");
    assert.deepEqual((await readBody(response)).trailers, ["x-checksum", "1"]);
  });

  test("that is not wanted is read on a little, and is no failure", async () => {
    const long = "x".repeat(ORIGIN_DISCARDED_BYTES_MAX);
    await using origin = await startOrigin((socket) => void socket.write(ok(long + long)));
    const response = await origin.fetch();
    assert(response.kind === "response");
    response.discard();
    const again = await origin.fetch();
    assert(again.kind === "response");
    assert.equal((await readBody(again)).isWhole, true);
    assert.deepEqual(origin.brokenOff, []);
  });

  test("that its reader gives up is no failure of the origin's", async () => {
    const leave = new AbortController();
    await using origin = await startOrigin((socket) => {
      socket.write("HTTP/1.1 200 OK\r\ncontent-length: 10\r\n\r\n01234");
    });
    const response = await origin.fetch({}, leave.signal);
    assert(response.kind === "response");
    const body = readBody(response);
    leave.abort();
    assert.equal((await body).isWhole, false);
    assert.deepEqual(origin.brokenOff, []);
  });
});
