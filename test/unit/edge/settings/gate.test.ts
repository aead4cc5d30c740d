import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { signTarget } from "#edge/policy/signed-url.ts";
import {
  APP,
  ask,
  CLEAR,
  LOOP_TOKEN,
  live,
  MISDIRECTED,
  NOW,
  newGate,
  RULE,
  refused,
  TLS,
} from "./support.ts";

const SECRET = "a-secret-of-the-owner";
const settled = live({
  settings: { httpsRedirect: true, signedUrls: { secrets: [SECRET] } },
  cors: [RULE],
});
const signed = signTarget("/a", SECRET, NOW / 1_000 + 60);

const loop = ["cdn-loop", `other-cdn, ${LOOP_TOKEN}; n=1`];
const preflight = ["origin", APP, "access-control-request-method", "GET"];
const notAllowed = ["origin", APP, "access-control-request-method", "DELETE"];

describe("a request that is wrong in several ways is told the first of them", () => {
  // Each row has a fault, and all of those that the rows after it are refused for.
  const rows = [
    {
      is: "for a host that nobody knows",
      endpoint: undefined,
      client: MISDIRECTED,
      request: { method: "POST", fields: loop },
      status: 404,
    },
    {
      is: "on a connection with another host's certificate",
      client: MISDIRECTED,
      request: { method: "POST", fields: loop },
      status: 421,
    },
    { is: "in a loop", request: { contentLength: 1, fields: loop }, status: 508 },
    { is: "in a loop and a preflight", request: options([...notAllowed, ...loop]), status: 508 },
    { is: "in the clear", request: { contentLength: 1 }, status: 308 },
    { is: "a preflight that no rule allows", request: options(notAllowed), status: 403 },
    { is: "of another method", request: { method: "POST" }, status: 405 },
    { is: "of another method over TLS", request: { method: "POST" }, client: TLS, status: 405 },
    { is: "a GET with content", request: { contentLength: 1 }, client: TLS, status: 400 },
    { is: "not signed", request: {}, client: TLS, status: 403 },
  ];
  for (const { is, request, client = CLEAR, status, ...row } of rows) {
    test(`${status} if it is ${is}`, () => {
      const endpoint = "endpoint" in row ? row.endpoint : settled;
      const passage = refused(newGate().decide(ask(request), endpoint, client, NOW));
      assert.equal(passage.status, status);
      assert.equal(passage.live, endpoint);
    });
  }

  test("and is served if it is wrong in none", () => {
    const passage = newGate().decide(ask({ target: signed }), settled, TLS, NOW);
    assert.equal(passage.kind, "admitted");
  });
});

describe("a preflight", () => {
  test("is answered at once: it comes without a signature, and follows no redirect", () => {
    const passage = newGate().decide(ask(options(preflight)), settled, CLEAR, NOW);
    assert(passage.kind === "answered");
    assert.equal(passage.status, 200);
    assert.match(passage.lines, /^access-control-allow-origin: https:\/\/app\.example\.com\r\n/);
  });

  test("may have content, as nobody reads it", () => {
    const request = ask({ ...options(preflight), contentLength: 3 });
    assert.equal(newGate().decide(request, settled, CLEAR, NOW).kind, "answered");
  });

  test("is a method like any other where a Space has no rules", () => {
    const passage = refused(newGate().decide(ask(options(preflight)), live(), CLEAR, NOW));
    assert.equal(passage.status, 405);
    assert.equal(passage.lines, "allow: GET, HEAD\r\n");
  });
});

describe("a refusal", () => {
  test("says where it is served instead", () => {
    const { reason, lines } = refused(newGate().decide(ask(), settled, CLEAR, NOW));
    assert.equal(reason, "This is served over https.");
    assert.match(lines, /location: https:\/\/static\.nyc3\.cdn\.spaces\.localhost:8444\/a\r\n$/);
  });

  test("tells who has a link what is wrong with it", () => {
    const expired = signTarget("/a", SECRET, NOW / 1_000 - 1);
    const request = ask({ target: expired });
    const { reason } = refused(newGate().decide(request, settled, TLS, NOW));
    assert.equal(reason, "This URL has expired.");
  });
});

describe("CDN-Loop", () => {
  const rows = [
    { field: LOOP_TOKEN, status: 508 },
    { field: `other, ${LOOP_TOKEN.toUpperCase()};x=y`, status: 508 },
    { field: "atoll-ffffffff", status: undefined },
    { field: "atoll", status: undefined },
    { field: `other;${LOOP_TOKEN}`, status: undefined },
  ];
  for (const { field, status } of rows) {
    test(`${status === undefined ? "lets pass" : "stops"} ${field}`, () => {
      const request = ask({ fields: ["cdn-loop", field] });
      const passage = newGate().decide(request, live(), CLEAR, NOW);
      assert.equal(passage.kind === "refused" ? passage.status : undefined, status);
    });
  }
});

describe("a proxy", () => {
  const proxy = live({ role: "proxy" });
  const rows = [
    { what: "any method", request: { method: "PATCH", contentLength: 9 }, is: "admitted" },
    { what: "OPTIONS on the way", request: options(["max-forwards", "1"]), is: "admitted" },
    { what: "OPTIONS that goes no further", request: options(["max-forwards", "0"]), is: 204 },
    { what: "OPTIONS of the server", request: { ...options([]), target: "*" }, is: 204 },
    { what: "a GET with Max-Forwards", request: { fields: ["max-forwards", "0"] }, is: "admitted" },
    { what: "its own request", request: { fields: loop }, is: 508 },
  ];
  for (const { what, request, is } of rows) {
    test(`${typeof is === "number" ? `answers ${is} to` : "passes on"} ${what}`, () => {
      const passage = newGate().decide(ask(request), proxy, CLEAR, NOW);
      assert.equal(passage.kind === "refused" ? passage.status : passage.kind, is);
    });
  }
});

function options(fields: readonly string[]) {
  return { method: "OPTIONS", fields };
}
