import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { judgeAnswer } from "#edge/origin/answer-fault.ts";
import { ok, readBody, startOrigin } from "./support.ts";

/** What is asked, and what comes: fields as they are sent. */
type Fields = Readonly<Record<string, string>>;

function judge(status: number, asked: Fields, fields: Fields): ReturnType<typeof judgeAnswer> {
  return judgeAnswer({
    status,
    asked: Object.entries(asked).flat(),
    fields: Object.entries(fields).flat(),
    statusMax: 999,
  });
}

describe("a 206", () => {
  const parts: readonly (readonly [range: string, fields: Fields, bytes: number | undefined])[] = [
    ["bytes=0-4", { "content-range": "bytes 0-4/10", "content-length": "5" }, 5],
    ["bytes=0-4", { "content-range": "bytes 0-4/*" }, 5],
    // What reaches beyond the end stops there.
    ["bytes=5-99", { "content-range": "bytes 5-9/10" }, 5],
    ["bytes=5-", { "content-range": "bytes 5-9/10" }, 5],
    ["bytes=-3", { "content-range": "bytes 7-9/10" }, 3],
    ["bytes=-99", { "content-range": "bytes 0-9/10" }, 10],
    ["bytes=-3", { "content-range": "bytes 7-9/*" }, 3],
    // RFC 9110 §15.3.7: a server may send less than it was asked for.
    ["bytes=0-9", { "content-range": "bytes 0-4/10" }, 5],
    ["BYTES=0-4", { "content-range": "Bytes 0-4/10" }, 5],
    ["bytes=0-1,8-9", { "content-type": "multipart/byteranges; boundary=b" }, undefined],
    // Both, coalesced.
    ["bytes=0-4,5-9", { "content-range": "bytes 0-9/10" }, 10],
    // Nobody but the client knows what that means.
    ["rows=0-4", { "content-range": "rows 0-4/10" }, undefined],
  ];
  for (const [range, fields, bytes] of parts) {
    const said = Object.values(fields).join(", ");
    test(`to ${range} may be ${said}`, () => {
      const verdict = judge(206, { range }, fields);
      assert(verdict.kind === "sound");
      assert.equal(verdict.partBytes, bytes);
    });
  }

  const faults: readonly (readonly [range: string, fields: Fields])[] = [
    ["bytes=0-4", {}],
    ["bytes=0-4", { "content-range": "bytes 0-4" }],
    ["bytes=0-4", { "content-range": "bytes 4-0/10" }],
    ["bytes=0-4", { "content-range": "bytes 0-4/4" }],
    ["bytes=0-4", { "content-range": "bytes */10" }],
    ["bytes=0-4", { "content-range": "octets 0-4/10" }],
    ["bytes=0-4", { "content-range": "bytes 0-4/10, bytes 5-9/10" }],
    ["bytes=0-4", { "content-range": "bytes 5-9/10" }],
    ["bytes=0-4", { "content-range": "bytes 0-5/10" }],
    ["bytes=5-9", { "content-range": "bytes 4-9/10" }],
    ["bytes=-3", { "content-range": "bytes 6-9/10" }],
    ["bytes=20-", { "content-range": "bytes 0-9/10" }],
    ["bytes=0-4", { "content-range": "bytes 0-4/10", "content-length": "10" }],
    ["bytes=4-0", { "content-range": "bytes 0-4/10" }],
    ["bytes=0-4", { "content-type": "multipart/byteranges; boundary=b" }],
    ["bytes=0-4", { "content-type": "Multipart/ByteRanges; boundary=b" }],
  ];
  for (const [range, fields] of faults) {
    const said = Object.values(fields).join(", ") || "without a Content-Range";
    test(`to ${range} may not be ${said}`, () => {
      assert.equal(judge(206, { range }, fields).kind, "fault");
    });
  }

  test("is none to a request without a range", () => {
    assert.equal(judge(206, {}, { "content-range": "bytes 0-4/10" }).kind, "fault");
  });
});

describe("other answers", () => {
  const answers: readonly (readonly [string, number, Fields, Fields, "sound" | "fault"])[] = [
    ["the whole to a range", 200, { range: "bytes=0-4" }, {}, "sound"],
    ["416 to a range", 416, { range: "bytes=9-" }, { "content-range": "bytes */5" }, "sound"],
    ["304 to an entity-tag", 304, { "if-none-match": '"a"' }, {}, "sound"],
    ["304 to a date", 304, { "if-modified-since": "x" }, {}, "sound"],
    ["304 to a condition that does not lead to it", 304, { "if-match": '"a"' }, {}, "fault"],
    ["304 to none", 304, {}, {}, "fault"],
    ["chunks", 200, {}, { "transfer-encoding": "Chunked" }, "sound"],
    ["a status beyond all", 1_000, {}, {}, "fault"],
  ];
  for (const [what, status, asked, fields, kind] of answers) {
    test(`${what}: ${kind}`, () => {
      assert.equal(judge(status, asked, fields).kind, kind);
    });
  }
});

describe("a part on its way", () => {
  const range = { fields: ["range", "bytes=0-4"] };

  function part(contentRange: string, ...lines: readonly string[]): string {
    return ["HTTP/1.1 206 R", `content-range: ${contentRange}`, ...lines].join("\r\n");
  }

  test("that is not what was asked for is a 502", async () => {
    await using origin = await startOrigin((socket) => {
      socket.write(`${part("bytes 5-9/10", "content-length: 5")}\r\n\r\n56789`);
    });
    const failure = await origin.fetch(range);
    assert(failure.kind === "failed");
    assert.equal(failure.status, 502);
    assert.equal(failure.detail, "origin-invalid");
    assert.deepEqual(origin.brokenOff, []);
  });

  for (const [what, chunks] of [
    ["less", "3\r\n012\r\n0\r\n\r\n"],
    ["more", "6\r\n012345\r\n0\r\n\r\n"],
    ["more, later", "5\r\n01234\r\n1\r\n5\r\n0\r\n\r\n"],
  ] as const) {
    test(`that is ${what} than its Content-Range says is broken off`, async () => {
      await using origin = await startOrigin((socket) => {
        socket.write(`${part("bytes 0-4/10", "transfer-encoding: chunked")}\r\n\r\n${chunks}`);
      });
      const response = await origin.fetch(range);
      assert(response.kind === "response");
      assert.equal((await readBody(response)).isWhole, false);
      assert.equal(origin.brokenOff.length, 1);
    });
  }

  test("is asked for by range and condition, of a Space's store too", async () => {
    await using origin = await startOrigin((socket) => void socket.write(ok("0123456789")), {
      role: "space",
    });
    const fields = ["range", "bytes=0-4", "if-range", '"a"'];
    const response = await origin.fetch({ fields });
    assert.equal(response.kind === "response" && response.status, 200);
    assert.match(origin.requests[0] ?? "", /^range: bytes=0-4\r\nif-range: "a"\r\n/m);
  });
});
