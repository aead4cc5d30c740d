import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { decideErrorPage } from "#edge/policy/error-page.ts";

const SETTINGS = { errorPage: "errors/404.html" };
const GET = { method: "GET", fields: ["accept", "text/html"] };

describe("an endpoint's error page", () => {
  for (const status of [403, 404, 500, 502, 503, 504, 599]) {
    test(`stands in for the content of a ${status}`, () => {
      const page = { kind: "stand-in", key: "errors/404.html", hasContent: true };
      assert.deepEqual(decideErrorPage(SETTINGS, GET, status), page);
    });
  }

  for (const status of [200, 206, 301, 304, 308, 400, 401, 405, 410, 412, 416, 421, 429, 600]) {
    test(`leaves a ${status} as it is`, () => {
      const page = { kind: "as-it-is", reason: "status" };
      assert.deepEqual(decideErrorPage(SETTINGS, GET, status), page);
    });
  }

  test("is not sent to HEAD, but its fields are", () => {
    const page = decideErrorPage(SETTINGS, { ...GET, method: "HEAD" }, 404);
    assert.deepEqual(page, { kind: "stand-in", key: "errors/404.html", hasContent: false });
  });

  test("is for none who asked for a range, or by another method", () => {
    const range = decideErrorPage(SETTINGS, { ...GET, fields: ["range", "bytes=0-"] }, 404);
    assert.deepEqual(range, { kind: "as-it-is", reason: "range" });
    const options = decideErrorPage(SETTINGS, { ...GET, method: "OPTIONS" }, 403);
    assert.deepEqual(options, { kind: "as-it-is", reason: "method" });
  });

  test("is there only if its key was given", () => {
    const none = { kind: "as-it-is", reason: "no-page" };
    assert.deepEqual(decideErrorPage({}, GET, 404), none);
    assert.deepEqual(decideErrorPage(undefined, GET, 404), none);
  });
});
