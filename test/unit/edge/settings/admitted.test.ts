import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { signTarget } from "#edge/policy/signed-url.ts";
import type { EndpointSettings } from "#feed/entry.ts";
import {
  APP,
  admitted,
  ask,
  CLEAR,
  live,
  NOW,
  newGate,
  RULE,
  refused,
  TLS,
  VARY,
} from "./support.ts";

const HSTS = "strict-transport-security: max-age=600\r\n";
const hsts = { maxAgeSeconds: 600, includeSubdomains: false, preload: false };
const SECRET = "a-secret-of-the-owner";
const EXPIRES = NOW / 1_000 + 60;
const signedUrls = { secrets: [SECRET] };

describe("the target of a request that is admitted", () => {
  test("is the one that came, where nothing is settled", () => {
    const request = ask({ target: "/a%2Fb?x=1&expires=2" });
    const passage = admitted(newGate().decide(request, live(), CLEAR, NOW));
    assert.equal(passage.target, request.target);
  });

  const rows: readonly {
    readonly what: string;
    readonly settings: EndpointSettings;
    readonly sent: string;
    readonly target: string;
  }[] = [
    {
      what: "is without its signature",
      settings: { signedUrls },
      sent: signTarget("/a?v=1", SECRET, EXPIRES),
      target: "/a?v=1",
    },
    {
      what: "is without a query that does not count",
      settings: { query: { kind: "none" } },
      sent: "/a?utm_source=mail",
      target: "/a",
    },
    {
      what: "has what of the query counts",
      settings: { query: { kind: "only", names: ["v"] } },
      sent: "/a?utm_source=mail&v=1",
      target: "/a?v=1",
    },
    {
      what: "was signed with all of its query, whatever of it counts",
      settings: { signedUrls, query: { kind: "only", names: ["v"] } },
      sent: signTarget("/a?v=1&utm_source=mail", SECRET, EXPIRES),
      target: "/a?v=1",
    },
    {
      what: "keeps nothing of a signature because its names were said to count",
      settings: { signedUrls, query: { kind: "only", names: ["expires", "signature"] } },
      sent: signTarget("/a", SECRET, EXPIRES),
      target: "/a",
    },
  ];
  for (const { what, settings, sent, target } of rows) {
    test(what, () => {
      const passage = newGate().decide(ask({ target: sent }), live({ settings }), CLEAR, NOW);
      assert.equal(admitted(passage).target, target);
    });
  }

  test("is signed until the second that it expires in is over", () => {
    const request = ask({ target: signTarget("/a", SECRET, EXPIRES) });
    const endpoint = live({ settings: { signedUrls } });
    const last = EXPIRES * 1_000 + 999;
    assert.equal(newGate().decide(request, endpoint, CLEAR, last).kind, "admitted");
    assert.equal(refused(newGate().decide(request, endpoint, CLEAR, last + 1)).status, 403);
  });
});

describe("the lines of every reply", () => {
  const from = (origin: string) => ask({ fields: ["origin", origin] });

  test("are none where nothing is settled", () => {
    assert.equal(admitted(newGate().decide(from(APP), live(), TLS, NOW)).lines, "");
  });

  test("ask for https over TLS, and never in the clear", () => {
    const endpoint = live({ settings: { hsts } });
    const gate = newGate();
    assert.equal(admitted(gate.decide(ask(), endpoint, CLEAR, NOW)).lines, "");
    assert.equal(admitted(gate.decide(ask(), endpoint, TLS, NOW)).lines, HSTS);
  });

  test("say to each origin what the rules say to it", () => {
    const endpoint = live({ cors: [RULE], settings: { hsts } });
    const gate = newGate();
    const allowed = admitted(gate.decide(from(APP), endpoint, TLS, NOW)).lines;
    assert(allowed.startsWith(`${HSTS}access-control-allow-origin: ${APP}\r\n`));
    assert(allowed.endsWith(VARY));
    assert.equal(admitted(gate.decide(from(APP), endpoint, TLS, NOW)).lines, allowed);
    const other = gate.decide(from("https://other.example"), endpoint, TLS, NOW);
    assert.equal(admitted(other).lines, HSTS + VARY);
    assert.equal(admitted(gate.decide(ask(), endpoint, CLEAR, NOW)).lines, VARY);
  });

  test("are those of the rules as they are now", () => {
    const endpoint = live({ cors: [RULE] });
    const gate = newGate();
    gate.decide(from(APP), endpoint, CLEAR, NOW);
    endpoint.endpoint = { ...endpoint.endpoint, cors: [{ ...RULE, allowedOrigins: ["*"] }] };
    const { lines } = admitted(gate.decide(from(APP), endpoint, CLEAR, NOW));
    assert.match(lines, /^access-control-allow-origin: \*\r\n/);
  });

  test("are in refusals too, but for those of who may not speak for the host", () => {
    const endpoint = live({ cors: [RULE], settings: { hsts, signedUrls } });
    const unsigned = refused(newGate().decide(from(APP), endpoint, TLS, NOW));
    assert(unsigned.lines.startsWith(`${HSTS}access-control-allow-origin: ${APP}\r\n`));
    const post = refused(newGate().decide(ask({ method: "POST" }), endpoint, TLS, NOW));
    assert.equal(post.lines, `${HSTS}${VARY}allow: GET, HEAD\r\n`);
    const loop = ask({ fields: ["cdn-loop", "atoll-0a1b2c3d"] });
    assert.equal(refused(newGate().decide(loop, endpoint, TLS, NOW)).lines, HSTS + VARY);
    const other = { tls: { version: "TLSv1.3", covers: () => false } };
    assert.equal(refused(newGate().decide(ask(), endpoint, other, NOW)).lines, "");
  });

  test("of a redirect let a page follow it: Fetch §4.3 asks each response on the way", () => {
    const endpoint = live({ cors: [RULE], settings: { hsts, httpsRedirect: true } });
    const { lines } = refused(newGate(443).decide(from(APP), endpoint, CLEAR, NOW));
    assert.match(lines, /^access-control-allow-origin: .*\r\n/);
    assert(lines.endsWith(`${VARY}location: https://static.nyc3.cdn.spaces.localhost/a\r\n`));
    assert(!lines.includes("strict-transport-security"));
  });
});
