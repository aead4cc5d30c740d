import assert from "node:assert/strict";
import { describe, test } from "node:test";
import type { Certificate } from "#certificate/certificate.ts";
import type { Job, JobStore } from "#certificate/job.ts";
import { CertificateKeeper } from "#certificate/keeper.ts";
import { manualClock } from "#clock.ts";
import { createLogger } from "#log.ts";
import { diskFull } from "#problem.ts";
import { sealUnder } from "#seal.ts";

const NOW = 1_800_000_000_000;

const certificate: Certificate = {
  id: "one",
  accountId: 1,
  name: "www",
  type: "lets_encrypt",
  dnsNames: ["www.example.com"],
  state: "pending",
  createdAt: NOW,
};
const job: Job = { certificate, dueAt: NOW, failures: 0, rotation: 0 };

/** One job that stays due, since nothing can be written. */
const fullDisk: JobStore = {
  due: () => [job],
  nextDue: () => job.dueAt,
  find: () => job,
  abandoned: () => [],
  forget: async () => undefined,
  save: () => Promise.reject(diskFull(new Error("database or disk is full"))),
  issued: () => Promise.reject(diskFull(new Error("database or disk is full"))),
};

describe("the keeper of certificates", () => {
  test("asks the CA once a minute at most while nothing can be written", async () => {
    const clock = manualClock(NOW);
    let orders = 0;
    await using keeper = new CertificateKeeper({
      jobs: fullDisk,
      issuer: {
        name: "https://ca.example/directory",
        obtain: async (attempt) => {
          orders += 1;
          assert(orders <= 2, "each is an order that counts against the account");
          await attempt.keep({ url: "https://ca.example/order/1", key: "its key" });
          return { kind: "issued", chain: "", key: "" };
        },
        abandon: async () => undefined,
        window: async () => undefined,
      },
      seal: sealUnder(new Uint8Array(32)),
      settled: async () => undefined,
      clock,
      random: () => 0,
      log: createLogger("silent"),
      stop: new AbortController(),
    });
    keeper.look();
    await keeper.idle();
    keeper.look();
    await keeper.idle();
    assert.equal(orders, 1);
    clock.advance(60_000);
    keeper.look();
    await keeper.idle();
    assert.equal(orders, 2);
  });
});
