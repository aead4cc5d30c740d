import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { Client } from "./client.ts";
import { countingOrigin, fetchOnce, request, startEdge } from "./support.ts";

describe("a stored representation", () => {
  test("answers HEAD from a stored GET", async () => {
    const { answer } = countingOrigin();
    await using edge = await startEdge(answer);
    await fetchOnce(edge, "/a");
    using client = new Client(edge.port);
    client.send(request("HEAD", "/a"));
    const head = await client.receive("HEAD");
    client.send(request("GET", "/a"));
    assert.equal(head.fields.get("content-length"), "10");
    assert.equal(head.fields.get("x-cache"), "HIT");
    assert.equal((await client.receive()).body.toString(), "0123456789");
  });

  const conditional = [
    { line: 'if-none-match: "a"', status: 304 },
    { line: 'if-none-match: "b", W/"a"', status: 304 },
    { line: "if-none-match: *", status: 304 },
    { line: 'if-none-match: "b"', status: 200 },
    { line: "if-modified-since: Sun, 22 Nov 2026 11:00:00 GMT", status: 304 },
    { line: "if-modified-since: Sun, 22 Nov 2026 10:59:59 GMT", status: 200 },
    { line: "if-modified-since: yesterday", status: 200 },
  ];
  for (const { line, status } of conditional) {
    test(`answers ${status} to ${line}`, async () => {
      const { answer } = countingOrigin({
        etag: '"a"',
        "last-modified": "Sun, 22 Nov 2026 11:00:00 GMT",
      });
      await using edge = await startEdge(answer);
      await fetchOnce(edge, "/a");
      const response = await fetchOnce(edge, "/a", line);
      assert.equal(response.status, status);
      assert.equal(response.fields.get("etag"), '"a"');
      assert.equal(response.fields.get("x-cache"), "HIT");
      assert.equal(response.fields.has("content-length"), status === 200);
    });
  }

  const ranges = [
    { lines: ["range: bytes=2-4"], status: 206, body: "234", of: "bytes 2-4/10" },
    { lines: ["range: bytes=8-99"], status: 206, body: "89", of: "bytes 8-9/10" },
    { lines: ["range: bytes=-3"], status: 206, body: "789", of: "bytes 7-9/10" },
    { lines: ["range: bytes=10-"], status: 416, body: "", of: "bytes */10" },
    { lines: ["range: bytes=-0"], status: 416, body: "", of: "bytes */10" },
    { lines: ["range: bytes=4-2"], status: 200, body: "0123456789", of: undefined },
    // RFC 9110 §15.3.7.2: what lies between is shorter than the head of a part.
    { lines: ["range: bytes=0-1,3-4"], status: 206, body: "01234", of: "bytes 0-4/10" },
    { lines: ["range: lines=0-1"], status: 200, body: "0123456789", of: undefined },
    { lines: ["range: bytes=2-4", 'if-range: "a"'], status: 206, body: "234", of: "bytes 2-4/10" },
    {
      lines: ["range: bytes=2-4", 'if-range: "b"'],
      status: 200,
      body: "0123456789",
      of: undefined,
    },
    {
      lines: ["range: bytes=2-4", 'if-range: W/"a"'],
      status: 200,
      body: "0123456789",
      of: undefined,
    },
    {
      lines: ["range: bytes=2-4", "if-range: Sun, 22 Nov 2026 11:00:00 GMT"],
      status: 206,
      body: "234",
      of: "bytes 2-4/10",
    },
    {
      lines: ["range: bytes=2-4", "if-range: Sun, 22 Nov 2026 12:00:00 GMT"],
      status: 200,
      body: "0123456789",
      of: undefined,
    },
  ];
  for (const { lines, status, body, of } of ranges) {
    for (const stored of ["stored", "cold"]) {
      test(`answers ${status} to ${lines.join(", ")} of what is ${stored}`, async () => {
        const { answer } = countingOrigin({
          etag: '"a"',
          "last-modified": "Sun, 22 Nov 2026 11:00:00 GMT",
        });
        await using edge = await startEdge(answer);
        if (stored === "stored") await fetchOnce(edge, "/a");
        const response = await fetchOnce(edge, "/a", ...lines);
        assert.equal(response.status, status);
        assert.equal(response.body.toString(), body);
        assert.equal(response.fields.get("content-range"), of);
      });
    }
  }

  for (const stored of ["stored", "cold"]) {
    test(`answers several ranges of what is ${stored} as multipart/byteranges`, async () => {
      const origin = countingOrigin({ "content-type": "text/plain" });
      origin.body = "0123456789".repeat(20);
      await using edge = await startEdge(origin.answer);
      if (stored === "stored") await fetchOnce(edge, "/a");
      const { status, fields, body } = await fetchOnce(edge, "/a", "range: bytes=0-1,-2");
      assert.equal(status, 206);
      assert.equal(fields.has("content-range"), false);
      const [, boundary = ""] = /boundary=(\S+)$/.exec(fields.get("content-type") ?? "") ?? [];
      const part = (range: string, octets: string): string =>
        `--${boundary}\r\nContent-Type: text/plain\r\nContent-Range: ${range}\r\n\r\n${octets}\r\n`;
      const parts = part("bytes 0-1/200", "01") + part("bytes 198-199/200", "89");
      assert.equal(body.toString(), `${parts}--${boundary}--\r\n`);
      assert.equal(fields.get("content-length"), String(body.length));
    });
  }
});
