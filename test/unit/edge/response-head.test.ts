import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { headLines } from "#edge/response-head.ts";

const responseTime = Date.UTC(2026, 10, 22, 12);
const DATE = "date: Sun, 22 Nov 2026 12:00:00 GMT\r\n";

function linesOf(...fields: string[]): string {
  return headLines({ status: 200, fields, responseTime });
}

describe("the lines of an origin's head that go on", () => {
  test("are those that it sent, in order", () => {
    assert.equal(
      linesOf("etag", '"a"', "link", "</a>", "link", "</b>", "date", "now"),
      ['etag: "a"', "link: </a>", "link: </b>", "date: now", ""].join("\r\n"),
    );
  });

  test("are without its tags: those are for caches up to here", () => {
    assert.equal(linesOf("cache-tag", "a,b", "surrogate-key", "a b"), DATE);
  });

  test("are without what the edge says of each reply itself", () => {
    assert.equal(linesOf("age", "3", "content-length", "5", "x-cache", "HIT"), DATE);
  });

  test("are with what caches before this one say, to which RFC 9211 §2 has it add", () => {
    assert.equal(linesOf("cache-status", "Other; hit"), `cache-status: Other; hit\r\n${DATE}`);
  });
});
