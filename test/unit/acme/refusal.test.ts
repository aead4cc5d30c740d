import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { decideRefusal, type Step } from "#acme/refusal.ts";

const urn = (name: string): string => `urn:ietf:params:acme:error:${name}`;

describe("an error of RFC 8555 §6.7", () => {
  const table = {
    accountDoesNotExist: "permanent",
    alreadyRevoked: "permanent",
    badCSR: "permanent",
    badNonce: "passing",
    badPublicKey: "permanent",
    badRevocationReason: "permanent",
    badSignatureAlgorithm: "permanent",
    caa: "passing",
    compound: "passing",
    connection: "passing",
    dns: "passing",
    externalAccountRequired: "permanent",
    incorrectResponse: "passing",
    invalidContact: "permanent",
    malformed: "permanent",
    orderNotReady: "passing",
    rateLimited: "passing",
    rejectedIdentifier: "permanent",
    serverInternal: "passing",
    tls: "passing",
    unauthorized: "permanent",
    unsupportedContact: "permanent",
    unsupportedIdentifier: "permanent",
    userActionRequired: "permanent",
    // RFC 9773 §7.4 and the profiles' draft.
    alreadyReplaced: "passing",
    invalidProfile: "permanent",
  } as const;

  for (const [name, is] of Object.entries(table)) {
    test(`${name}, to a new order, is ${is}`, () => {
      const refusal = decideRefusal({ type: urn(name) }, "order");
      assert.equal(refusal.permanent, is === "permanent");
      assert(refusal.reason.length > 10);
    });
  }

  const byStep: Readonly<Record<string, readonly Step[]>> = {
    malformed: ["account", "order"],
    unauthorized: ["account", "order", "finalize", "revoke"],
  };
  const steps: readonly Step[] = [
    "directory",
    "nonce",
    "account",
    "order",
    "resource",
    "finalize",
    "download",
    "revoke",
    "renewal",
    "validation",
  ];
  for (const [name, permanentIn] of Object.entries(byStep)) {
    for (const step of steps) {
      const permanent = permanentIn.includes(step);
      test(`${name} is ${permanent ? "permanent" : "passing"} in ${step}`, () => {
        assert.equal(decideRefusal({ type: urn(name) }, step).permanent, permanent);
      });
    }
  }

  for (const [subproblems, permanent] of [
    [["dns", "caa"], false],
    [["dns", "rejectedIdentifier"], true],
    [["unauthorized"], false],
    [[], false],
  ] as const) {
    const what = subproblems.join(" and ") || "nothing";
    test(`compound of ${what} is ${permanent ? "permanent" : "passing"}`, () => {
      const parts = subproblems.map((name) => ({ type: urn(name) }));
      const compound = { type: urn("compound"), subproblems: parts };
      assert.equal(decideRefusal(compound, "validation").permanent, permanent);
    });
  }

  for (const type of ["about:blank", urn("teapot"), "rejectedIdentifier", urn("toString")]) {
    test(`${type}, which is none of them, is passing`, () => {
      assert.deepEqual(decideRefusal({ type }, "order"), {
        permanent: false,
        reason: "what it means is not known",
      });
    });
  }
});
