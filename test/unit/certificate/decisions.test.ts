import assert from "node:assert/strict";
import { describe, test } from "node:test";
import type { Authorization, ChallengeType, Order } from "#acme/acme.ts";
import type { Issued } from "#certificate/certificate.ts";
import { covers, parseDnsNames } from "#certificate/dns-names.ts";
import { decideAfterFailure, type Failure } from "#certificate/failure.ts";
import type { Job } from "#certificate/job.ts";
import { nextStep } from "#certificate/next-step.ts";
import { chooseChallenge, type DnsProof, nextOrderStep } from "#certificate/order-step.ts";
import { decideRenewal, suggestedRenewal } from "#certificate/renewal.ts";

const MINUTE = 60_000;
const HOUR = 60 * MINUTE;
const DAY = 24 * HOUR;
const NOW = Date.UTC(2026, 10, 22);
const CA = "https://ca.example/directory";

describe("the names of a managed certificate", () => {
  test("are each kept once, in lower case, as DNS has them", () => {
    const texts = ["WWW.Example.com", "www.example.com.", "*.example.com", "bücher.example"];
    assert.deepEqual(parseDnsNames(texts), {
      kind: "names",
      names: ["www.example.com", "*.example.com", "xn--bcher-kva.example"],
    });
  });

  for (const text of [
    "",
    "localhost",
    "192.0.2.1",
    "::1",
    "*.com",
    "*",
    "a.*.example.com",
    "a..b.c",
  ]) {
    test(`are not ${JSON.stringify(text)}`, () => {
      assert.equal(parseDnsNames(["www.example.com", text]).kind, "invalid");
    });
  }

  test("are 100 at most", () => {
    const names = Array.from({ length: 101 }, (_, n) => `n${n}.example.com`);
    assert.equal(parseDnsNames(names.slice(1)).kind, "names");
    assert.equal(parseDnsNames(names).kind, "invalid");
  });

  test("cover what they say, and with a wildcard one label more", () => {
    const names = ["example.com", "*.example.com"];
    for (const name of ["example.com", "www.example.com"]) assert(covers(names, name));
    for (const name of ["a.b.example.com", "example.org", "com"]) assert(!covers(names, name));
    assert(!covers(["*.example.com"], "example.com"));
  });
});

const issued: Issued = {
  issuer: CA,
  notBefore: NOW,
  notAfter: NOW + 90 * DAY,
  sha1: "",
  chain: "",
};

describe("a renewal", () => {
  for (const days of [6, 45, 64, 90]) {
    test(`of ${days} days is due when a third of them is left`, () => {
      const own = { ...issued, issuer: "local", notAfter: NOW + days * DAY };
      const renewAt = NOW + (days * DAY * 2) / 3;
      const before = decideRenewal(own, undefined, "local", renewAt - 1);
      assert.deepEqual(before, { kind: "keep", until: renewAt });
      const after = decideRenewal(own, undefined, "local", renewAt);
      assert.deepEqual(after, { kind: "renew", reason: "due" });
    });
  }

  test("is asked about where the CA has more to say, not before its Retry-After", () => {
    assert.deepEqual(decideRenewal(issued, undefined, CA, NOW), { kind: "ask" });
    const askAt = NOW + HOUR;
    const early = decideRenewal(issued, { askAt }, CA, askAt - 1);
    assert.deepEqual(early, { kind: "keep", until: askAt });
    assert.deepEqual(decideRenewal(issued, { askAt }, CA, askAt), { kind: "ask" });
  });

  test("is due at a moment of the CA's window, and at once when that has passed", () => {
    const window = { startAt: NOW + DAY, endAt: NOW + 3 * DAY, retryAt: NOW + 100 * DAY };
    const suggested = suggestedRenewal(window, undefined, 0.5);
    assert.equal(suggested.renewAt, NOW + 2 * DAY);
    const before = decideRenewal(issued, suggested, CA, NOW + 2 * DAY - 1);
    assert.deepEqual(before, { kind: "keep", until: NOW + 2 * DAY });
    const after = decideRenewal(issued, suggested, CA, NOW + 2 * DAY);
    assert.deepEqual(after, { kind: "renew", reason: "window" });
    const past = suggestedRenewal({ ...window, startAt: 0, endAt: 1 }, suggested, 0.5);
    assert.deepEqual(decideRenewal(issued, past, CA, NOW), { kind: "renew", reason: "window" });
  });

  test("keeps its moment as long as the window stays", () => {
    const window = { startAt: NOW, endAt: NOW + DAY, retryAt: NOW + HOUR };
    const first = suggestedRenewal(window, undefined, 0.25);
    const again = suggestedRenewal({ ...window, retryAt: NOW + 2 * HOUR }, first, 0.75);
    assert.equal(again.renewAt, first.renewAt);
    assert.equal(again.askAt, NOW + 2 * HOUR);
    const moved = suggestedRenewal({ ...window, endAt: NOW + 2 * DAY }, first, 0.75);
    assert.notEqual(moved.renewAt, first.renewAt);
  });

  test("leaves a tenth of the lifetime for failures, whatever the CA suggests", () => {
    const window = { startAt: NOW + 95 * DAY, endAt: NOW + 96 * DAY, retryAt: NOW + 100 * DAY };
    const late = suggestedRenewal(window, undefined, 0);
    assert.equal(decideRenewal(issued, late, CA, NOW + 81 * DAY - 1).kind, "keep");
    assert.equal(decideRenewal(issued, late, CA, NOW + 81 * DAY).kind, "renew");
  });

  test("is due at once where the local CA was only the beginning", () => {
    const local = { ...issued, issuer: "local" };
    const due = { kind: "renew", reason: "issuer" };
    assert.deepEqual(decideRenewal(local, undefined, CA, NOW), due);
    assert.equal(decideRenewal(issued, undefined, "local", NOW).kind, "keep");
  });
});

describe("a failure", () => {
  const passing: Failure = { message: "later", permanent: false };
  const permanent: Failure = { message: "never", permanent: true };
  const waitAfter = (failures: number, random = 0) => {
    const after = decideAfterFailure(
      passing,
      { failures, failingSince: NOW },
      undefined,
      NOW,
      random,
    );
    return after.kind === "again" ? after.at - NOW : undefined;
  };

  test("is followed by another attempt: after a minute, later after 6 hours at most", () => {
    assert.equal(waitAfter(0), MINUTE);
    const waits = Array.from({ length: 12 }, (_, failures) => waitAfter(failures) ?? 0);
    assert.deepEqual(
      waits,
      waits.toSorted((one, other) => one - other),
    );
    assert.equal(waits.at(-1), 6 * HOUR);
    assert.equal(waitAfter(1_000), 6 * HOUR);
  });

  test("spreads those who failed together", () => {
    assert.equal(waitAfter(0, 0.5), 1.1 * MINUTE);
  });

  test("waits exactly as long as the CA says", () => {
    const told = { ...passing, retryAt: NOW + 10 * HOUR };
    const after = decideAfterFailure(told, { failures: 0 }, undefined, NOW, 0.9);
    assert.deepEqual(after, { kind: "again", at: NOW + 10 * HOUR });
  });

  test("spares a CA that always says at once", () => {
    const told = { ...passing, retryAt: NOW };
    const at = (failures: number) => {
      const after = decideAfterFailure(told, { failures }, undefined, NOW, 0);
      return after.kind === "again" && after.at - NOW;
    };
    assert.deepEqual([at(0), at(1), at(5), at(50)], [1_000, 2_000, 32_000, 6 * HOUR]);
  });

  test("ends it when it is permanent, or has gone on for 30 days", () => {
    const first = decideAfterFailure(permanent, { failures: 0 }, undefined, NOW, 0);
    assert.deepEqual(first, { kind: "give-up", reason: "permanent" });
    const since = { failures: 90, failingSince: NOW - 30 * DAY };
    const late = decideAfterFailure(passing, since, undefined, NOW, 0);
    assert.deepEqual(late, { kind: "give-up", reason: "too-long" });
  });

  test("never ends what is still served", () => {
    const since = { failures: 90, failingSince: NOW - 30 * DAY };
    for (const failure of [passing, permanent]) {
      const after = decideAfterFailure(failure, since, NOW + 1, NOW, 0);
      assert.deepEqual(after, { kind: "again", at: NOW + 6 * HOUR });
      assert.equal(decideAfterFailure(failure, since, NOW, NOW, 0).kind, "give-up");
    }
  });
});

describe("the next step for a certificate", () => {
  const job = (state: Job["certificate"]["state"], more: Partial<Job> = {}, has?: Issued): Job => ({
    certificate: {
      id: "1",
      accountId: 1,
      name: "one",
      type: "lets_encrypt",
      dnsNames: ["www.example.com"],
      state,
      createdAt: NOW,
      ...(has === undefined ? {} : { issued: has }),
    },
    failures: 0,
    rotation: 0,
    ...more,
  });
  const first = { kind: "obtain", reason: "first" };

  test("is to obtain one that is pending, when its turn has come", () => {
    assert.deepEqual(nextStep(job("pending"), CA, NOW), first);
    const waiting = job("pending", { failures: 1, dueAt: NOW + 1 });
    assert.deepEqual(nextStep(waiting, CA, NOW), { kind: "rest", until: NOW + 1 });
    assert.deepEqual(nextStep(waiting, CA, NOW + 1), first);
  });

  test("is nothing for one in error, whatever it had", () => {
    assert.deepEqual(nextStep(job("error"), CA, NOW), { kind: "rest" });
    assert.deepEqual(nextStep(job("error", {}, issued), CA, NOW), { kind: "rest" });
  });

  test("is what its renewal needs", () => {
    assert.deepEqual(nextStep(job("verified", {}, issued), CA, NOW), { kind: "ask" });
    const renewed = nextStep(job("verified", {}, issued), CA, NOW + 60 * DAY);
    assert.deepEqual(renewed, { kind: "obtain", reason: "due" });
    const kept = job("verified", { renewal: { askAt: NOW + DAY } }, issued);
    assert.deepEqual(nextStep(kept, CA, NOW), { kind: "rest", until: NOW + DAY });
  });
});

describe("an order", () => {
  const order = (status: Order["status"], more: Partial<Order> = {}): Order => ({
    url: `${CA}/order/1`,
    status,
    identifiers: [],
    authorizations: [],
    finalize: `${CA}/finalize/1`,
    ...more,
  });

  test("is proved, finalized, waited for and downloaded, by its status", () => {
    const steps = (["pending", "ready", "processing", "valid"] as const).map(
      (status) => nextOrderStep(order(status), NOW).kind,
    );
    assert.deepEqual(steps, ["authorize", "finalize", "wait", "download"]);
  });

  test("is dropped when it is invalid, in the CA's words, or has expired", () => {
    const problem = { type: "urn:ietf:params:acme:error:caa", detail: "CAA forbids it" };
    assert.deepEqual(nextOrderStep(order("invalid", { error: problem }), NOW), {
      kind: "drop",
      problem,
    });
    assert.deepEqual(nextOrderStep(order("pending", { expiresAt: NOW }), NOW), { kind: "drop" });
  });
});

describe("a challenge", () => {
  const types: readonly ChallengeType[] = ["dns-01", "tls-alpn-01", "http-01"];
  const authorization = (wildcard: boolean, offered = types): Authorization => ({
    url: "",
    identifier: { type: "dns", value: "example.com" },
    wildcard,
    status: "pending",
    challenges: offered.map((type) => ({ type, url: type, token: "t", status: "pending" })),
  });
  const chosen = (rotation: number, dns: DnsProof, wildcard = false) => {
    const choice = chooseChallenge(authorization(wildcard), rotation, dns);
    return choice.kind === "challenge" ? choice.challenge.type : choice.reason;
  };

  test("is http-01 first, and another one after each that failed", () => {
    const all = [0, 1, 2, 3].map((rotation) => chosen(rotation, "delegated"));
    assert.deepEqual(all, ["http-01", "tls-alpn-01", "dns-01", "http-01"]);
    const undelegated = [0, 1, 2].map((rotation) => chosen(rotation, "not-delegated"));
    assert.deepEqual(undelegated, ["http-01", "tls-alpn-01", "http-01"]);
  });

  test("is dns-01 for a wildcard, or none that we could answer", () => {
    assert.equal(chosen(0, "delegated", true), "dns-01");
    assert.match(chosen(0, "not-delegated", true), /^_acme-challenge\.example\.com does not lead/);
  });

  test("is dns-01 first for a name whose wildcard is in the order, too", () => {
    const all = [0, 1, 2, 3].map((rotation) => chosen(rotation, "relied-on"));
    assert.deepEqual(all, ["dns-01", "tls-alpn-01", "http-01", "dns-01"]);
    assert.equal(chosen(1, "relied-on", true), "dns-01");
  });

  test("is one that the CA offers", () => {
    const none = chooseChallenge(authorization(false, []), 0, "delegated");
    assert(none.kind === "none");
    assert.match(none.reason, /offers no challenge/);
  });
});
