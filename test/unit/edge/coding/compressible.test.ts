import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { decideCompression } from "#edge/coding/compressible.ts";

const LENGTH = 10_000;

function decided(fields: readonly string[], status = 200, length: number | undefined = LENGTH) {
  const decision = decideCompression({ status, fields, length });
  return decision.kind === "compress" ? "compress" : decision.reason;
}

describe("a response is compressed by its type", () => {
  const text = [
    "text/html; charset=utf-8",
    "Text/CSS",
    "text/plain ;charset=utf-8",
    "application/json",
    "application/ld+json",
    "application/problem+json; charset=utf-8",
    "text/javascript",
    "application/javascript",
    "application/xhtml+xml",
    "application/rss+xml",
    "application/wasm",
    "application/manifest+json",
    "application/vnd.apple.mpegurl",
    "application/vnd.ms-fontobject",
    "image/svg+xml",
    "font/ttf",
    "font/otf",
  ];
  for (const type of text) {
    test(`: ${type}`, () => assert.equal(decided(["content-type", type]), "compress"));
  }

  const other = [
    "image/png",
    "image/jpeg",
    "font/woff2",
    "video/mp4",
    "application/zip",
    "application/gzip",
    "application/pdf",
    "application/octet-stream",
    "application/vnd.openxmlformats-officedocument.wordprocessingml.document",
    "text/event-stream",
    "multipart/byteranges; boundary=json",
    "text/html, image/png",
    "image/png;x=+json",
    "",
  ];
  for (const type of other) {
    test(`and not: ${type}`, () => assert.equal(decided(["content-type", type]), "type"));
  }

  test("and not without one", () => assert.equal(decided([]), "type"));
});

describe("a response of text is left as it is", () => {
  const TEXT = ["content-type", "text/css"];

  for (const status of [206, 203, 304, 404]) {
    test(`with status ${status}`, () => assert.equal(decided(TEXT, status), "status"));
  }

  test("when it is coded already", () => {
    assert.equal(decided([...TEXT, "content-encoding", "gzip"]), "coded");
    assert.equal(decided([...TEXT, "content-encoding", "identity"]), "coded");
  });

  const controls = ["no-transform", "max-age=60, No-Transform", "no-transform,max-age=60"];
  for (const name of ["cache-control", "cdn-cache-control"]) {
    for (const value of controls) {
      test(`when it may not be transformed: ${name}: ${value} (RFC 9111 §5.2.2.6)`, () => {
        assert.equal(decided([...TEXT, name, value]), "no-transform");
      });
    }
  }

  test("but not for directives that are merely called alike", () => {
    assert.equal(decided([...TEXT, "cache-control", "x-no-transform, no-transform-x"]), "compress");
  });

  test("when it is too small or too large, or nobody knows", () => {
    assert.equal(decided(TEXT, 200, 859), "small");
    assert.equal(decided(TEXT, 200, 860), "compress");
    assert.equal(decided(TEXT, 200, 10 * 1024 * 1024), "compress");
    assert.equal(decided(TEXT, 200, 10 * 1024 * 1024 + 1), "large");
    const unknown = decideCompression({ status: 200, fields: TEXT, length: undefined });
    assert.deepEqual(unknown, { kind: "as-is", reason: "length-unknown" });
  });
});
