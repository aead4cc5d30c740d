import assert from "node:assert/strict";
import { createHmac } from "node:crypto";
import { describe, test } from "node:test";
import * as fc from "fast-check";
import { decideSignature, signTarget } from "#edge/policy/signed-url.ts";

const NOW = 1_800_000_000;
const DAY = 24 * 60 * 60;
const SECRET = "correct horse battery";

function refusalOf(target: string, secrets = [SECRET], now = NOW): string {
  const signature = decideSignature(target, secrets, now);
  assert(signature.kind === "refused", `${target} is valid`);
  assert.equal(signature.status, 403);
  return signature.reason;
}

/** A signature over whatever it is, by the book. */
function sign(text: string): string {
  return `${text}&signature=${createHmac("sha256", SECRET).update(text).digest("base64url")}`;
}

describe("a signed URL", () => {
  test("goes on without expires and signature", () => {
    const target = sign(`/a/b.jpg?w=1&expires=${NOW + 60}&h=2`);
    assert.deepEqual(decideSignature(target, [SECRET], NOW), {
      kind: "valid",
      target: "/a/b.jpg?w=1&h=2",
    });
  });

  test("is what `signTarget` makes, with a query and without", () => {
    const target = signTarget("/a", SECRET, NOW + 60);
    assert.equal(target, sign(`/a?expires=${NOW + 60}`));
    assert.deepEqual(decideSignature(target, [SECRET], NOW), { kind: "valid", target: "/a" });
    assert.match(signTarget("/a?x", SECRET, NOW), /^\/a\?x&expires=1800000000&signature=/);
  });

  test("is good until the second that it names, and no longer", () => {
    const target = signTarget("/a", SECRET, NOW);
    assert.equal(decideSignature(target, [SECRET], NOW).kind, "valid");
    assert.match(refusalOf(target, [SECRET], NOW + 1), /expired/);
  });

  test("may be signed by either of two secrets, and by no third", () => {
    const target = signTarget("/a", SECRET, NOW);
    assert.equal(decideSignature(target, ["new", SECRET], NOW).kind, "valid");
    assert.match(refusalOf(target, ["new", "newer", SECRET]), /not one of this URL/);
    assert.match(refusalOf(target, []), /not one of this URL/);
  });

  test("reaches a year ahead", () => {
    const year = NOW + 366 * DAY;
    assert.equal(decideSignature(signTarget("/a", SECRET, year), [SECRET], NOW).kind, "valid");
    assert.match(refusalOf(signTarget("/a", SECRET, year + 1)), /more than a year ahead/);
  });

  const valid = signTarget("/a", SECRET, NOW);
  const malformed = [
    { target: "/a", says: /is not signed/ },
    { target: `/a?expires=${NOW}`, says: /is not signed/ },
    { target: `/a&expires=${NOW}&signature=x`, says: /is not signed/ },
    { target: `${valid}&x=1`, says: /not the last/ },
    { target: `${valid}&`, says: /not the last/ },
    { target: sign(valid), says: /signature is there more than once/ },
    { target: `/a?expires=${NOW}&signature`, says: /43 characters/ },
    { target: `${valid}=`, says: /43 characters/ },
    { target: valid.slice(0, -1), says: /43 characters/ },
    { target: sign("/a?x=1"), says: /expires is missing/ },
    { target: valid.replace(/expires=\d+&/, ""), says: /expires is missing/ },
    { target: sign("/a?Expires=1800000000"), says: /expires is missing/ },
    { target: sign(`/a?expires=${NOW}&expires=${NOW + 9}`), says: /expires is there more/ },
    { target: sign("/a?expires=soon"), says: /in seconds/ },
    { target: sign("/a?expires=0"), says: /in seconds/ },
    { target: sign("/a?expires"), says: /in seconds/ },
    { target: sign("/a?expires=1800000000.5"), says: /in seconds/ },
    { target: sign("/a?expires=9999999999999"), says: /in seconds/ },
  ];
  for (const { target, says } of malformed) {
    test(`is refused when ${says.source}: ${target}`, () => {
      assert.match(refusalOf(target), says);
    });
  }

  test("that was tampered with is not told that it has expired", () => {
    const target = signTarget("/a", SECRET, NOW - 1).replace("/a", "/b");
    assert.match(refusalOf(target), /not one of this URL/);
  });

  test("has one spelling: bits of the last character that say nothing are checked too", () => {
    const last = valid.at(-1) ?? "";
    const alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
    const neighbour = alphabet[alphabet.indexOf(last) ^ 1];
    assert.match(refusalOf(`${valid.slice(0, -1)}${neighbour}`), /not one of this URL/);
  });
});

describe("signing", () => {
  const octet = fc.constantFrom("/", "a", "b", "?", "&", "=", "%", "+", ".");
  const paths = fc.string({ unit: octet, maxLength: 30 }).map((rest) => `/${rest}`);

  test("gives any target back as it was", () => {
    fc.assert(
      fc.property(paths, (path) => {
        const signed = signTarget(path, SECRET, NOW);
        assert.deepEqual(decideSignature(signed, [SECRET], NOW), { kind: "valid", target: path });
      }),
    );
  });

  test("lets nobody change a character", () => {
    fc.assert(
      fc.property(paths, fc.nat(), octet, (path, at, other) => {
        const signed = signTarget(path, SECRET, NOW);
        const i = at % signed.length;
        const changed = signed.slice(0, i) + other + signed.slice(i + 1);
        if (changed !== signed) refusalOf(changed);
      }),
    );
  });
});
