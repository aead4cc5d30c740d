import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { decideRedirect, hstsLine, type Redirect } from "#edge/policy/transport.ts";

const HTTPS = { httpsRedirect: true };
const CLEAR = { isTls: false, tlsPort: 443 };
const REQUEST = { method: "GET", host: "cdn.example.com", target: "/a?b=c" };

function locationOf(redirect: Redirect): string {
  assert(redirect.kind === "redirect");
  assert.equal(redirect.status, 308);
  return redirect.lines;
}

describe("an endpoint that is for https only", () => {
  test("sends GET and HEAD in the clear to https, target and all", () => {
    for (const method of ["GET", "HEAD"]) {
      const redirect = decideRedirect(HTTPS, { ...REQUEST, method }, CLEAR);
      assert.equal(locationOf(redirect), "location: https://cdn.example.com/a?b=c\r\n");
    }
  });

  test("names the port where that is not 443, in place of the one that was asked", () => {
    const request = { ...REQUEST, host: "CDN.example.com:8081" };
    const redirect = decideRedirect(HTTPS, request, { ...CLEAR, tlsPort: 8_444 });
    assert.equal(locationOf(redirect), "location: https://cdn.example.com:8444/a?b=c\r\n");
  });

  test("never sends anyone to another host", () => {
    const redirect = decideRedirect(HTTPS, { ...REQUEST, target: "//evil.example/" }, CLEAR);
    assert.equal(locationOf(redirect), "location: https://cdn.example.com//evil.example/\r\n");
  });

  const served = [
    { what: "what came over TLS", transport: { isTls: true, tlsPort: 443 } },
    { what: "where nothing listens for TLS", transport: { isTls: false, tlsPort: undefined } },
    { what: "other methods", request: { method: "OPTIONS" } },
    { what: "a CA's challenge", request: { target: "/.well-known/acme-challenge/token" } },
    { what: "an endpoint without settings", settings: undefined },
    { what: "an endpoint that has it off", settings: { httpsRedirect: false } },
  ];
  for (const { what, transport = CLEAR, request = {}, ...rest } of served) {
    test(`leaves alone ${what}`, () => {
      const settings = "settings" in rest ? rest.settings : HTTPS;
      const redirect = decideRedirect(settings, { ...REQUEST, ...request }, transport);
      assert.deepEqual(redirect, { kind: "none" });
    });
  }
});

describe("Strict-Transport-Security", () => {
  const hsts = { maxAgeSeconds: 31_536_000, includeSubdomains: false, preload: false };

  test("is said over TLS", () => {
    assert.equal(hstsLine({ hsts }, true), "strict-transport-security: max-age=31536000\r\n");
    const whole = { ...hsts, includeSubdomains: true, preload: true };
    assert.equal(
      hstsLine({ hsts: whole }, true),
      "strict-transport-security: max-age=31536000; includeSubDomains; preload\r\n",
    );
  });

  test("can be taken back: RFC 6797 §6.1.1", () => {
    const line = hstsLine({ hsts: { ...hsts, maxAgeSeconds: 0 } }, true);
    assert.equal(line, "strict-transport-security: max-age=0\r\n");
  });

  test("is never said in the clear, nor where it was not asked for", () => {
    assert.equal(hstsLine({ hsts }, false), "");
    assert.equal(hstsLine({}, true), "");
    assert.equal(hstsLine(undefined, true), "");
  });
});
