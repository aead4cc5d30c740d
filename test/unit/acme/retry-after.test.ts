import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { parseRenewalWindow } from "#acme/renewal-window.ts";
import { decideHold, parseRetryAfter } from "#acme/retry-after.ts";

const NOW = Date.UTC(2026, 10, 23, 0, 0, 0);
const SECOND = 1_000;
const HOUR = 3_600 * SECOND;
const DAY = 24 * HOUR;

describe("Retry-After", () => {
  for (const [text, date, waitMs] of [
    ["0", null, 0],
    ["120", null, 120 * SECOND],
    [" 7 ", null, 7 * SECOND],
    ["Mon, 23 Nov 2026 00:01:00 GMT", null, 60 * SECOND],
    // By the CA's clock, which is ten minutes ahead of ours.
    ["Mon, 23 Nov 2026 00:11:00 GMT", "Mon, 23 Nov 2026 00:10:00 GMT", 60 * SECOND],
    ["Sun, 22 Nov 2026 00:00:00 GMT", null, 0],
    ["999999999999999", null, 31 * DAY],
    ["Wed, 23 Nov 2050 00:00:00 GMT", null, 31 * DAY],
  ] as const) {
    test(`"${text}"${date === null ? "" : ` sent at ${date}`} is in ${waitMs} ms`, () => {
      assert.equal(parseRetryAfter({ "retry-after": text, date }, NOW), NOW + waitMs);
    });
  }

  for (const text of [null, "", "soon", "-5", "1.5", "1e3", "2026-11-23T00:01:00Z"]) {
    test(`"${text}" says nothing`, () => {
      assert.equal(parseRetryAfter({ "retry-after": text, date: null }, NOW), undefined);
    });
  }
});

describe("a CA is left alone", () => {
  for (const [status, step, afterMs, heldMs] of [
    [429, "resource", 2 * DAY, 2 * DAY],
    [503, "order", 2 * DAY, 2 * DAY],
    [429, "order", 2 * HOUR, 2 * HOUR],
    [429, "order", 2 * DAY, 3 * HOUR],
    [429, "resource", undefined, undefined],
    [500, "resource", HOUR, undefined],
    [200, "resource", HOUR, undefined],
  ] as const) {
    const held = heldMs === undefined ? "no time" : `${heldMs} ms`;
    test(`for ${held} after ${status} to ${step} with ${afterMs} ms`, () => {
      const retryAt = afterMs === undefined ? undefined : NOW + afterMs;
      const until = decideHold({ status, step, retryAt }, NOW);
      assert.equal(until, heldMs === undefined ? undefined : NOW + heldMs);
    });
  }
});

describe("renewal information", () => {
  const text = (window: object, more: object = {}): string =>
    JSON.stringify({ suggestedWindow: window, ...more });
  const window = { start: "2026-12-01T00:00:00Z", end: "2026-12-03T00:00:00.5+01:00" };

  test("has a window, and a page that explains it where that is one", () => {
    const explanationURL = "https://ca.example.net/why";
    assert.deepEqual(parseRenewalWindow(text(window, { explanationURL }), NOW + HOUR, NOW), {
      startAt: Date.UTC(2026, 11, 1),
      endAt: Date.UTC(2026, 11, 2, 23) + 500,
      explanationUrl: explanationURL,
      retryAt: NOW + HOUR,
    });
    const odd = parseRenewalWindow(text(window, { explanationURL: "javascript:0" }), NOW, NOW);
    assert.equal(odd.explanationUrl, undefined);
  });

  for (const [when, retryAt, waitMs] of [
    ["at once", NOW, 60 * SECOND],
    ["in a minute", NOW + 60 * SECOND, 60 * SECOND],
    ["in a day", NOW + DAY, DAY],
    ["in a week", NOW + 7 * DAY, DAY],
    ["at no time that it says", undefined, 6 * HOUR],
  ] as const) {
    test(`that is to be asked for again ${when} is, after ${waitMs} ms`, () => {
      assert.equal(parseRenewalWindow(text(window), retryAt, NOW).retryAt, NOW + waitMs);
    });
  }

  for (const wrong of [
    { start: window.end, end: window.start },
    { start: window.start, end: window.start },
    { start: "tomorrow", end: "2027" },
    {},
  ]) {
    test(`with ${JSON.stringify(wrong)} is none`, () => {
      assert.throws(() => parseRenewalWindow(text(wrong), undefined, NOW), {
        message: /^The CA's renewal information cannot be used: /,
        permanent: false,
      });
    });
  }
});
