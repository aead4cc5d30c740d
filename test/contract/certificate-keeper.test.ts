import assert from "node:assert/strict";
import { describe, test } from "node:test";
import type { Attempted } from "#certificate/issuer.ts";
import { JOBS_AT_ONCE_MAX } from "#certificate/limits.ts";
import { keyPurpose } from "#certificate/serving.ts";
import { until } from "../support/until.ts";
import { CA, DAY_MS, failed, issue, openWorld } from "./keeper-world.ts";

describe("the keeper of certificates", () => {
  test("obtains what is pending, and seals its key for the certificate", async () => {
    await using world = await openWorld();
    const id = await world.create();
    await using keeper = world.keeperOf(issue);
    keeper.look();
    await keeper.idle();
    const { state, issued } = world.find(id);
    assert.equal(state, "verified");
    assert.equal(issued?.issuer, CA);
    assert.deepEqual(keeper.counts, { issued: 1, renewed: 0, failed: 0 });
    const origin = { name: "images", region: "nyc3", domain: "spaces.localhost" };
    const endpoint = {
      id: "e",
      accountId: world.account.id,
      origin,
      ttl: 60,
      createdAt: 1,
    } as const;
    const attached = { ...endpoint, customDomain: "www.example.com", certificateId: id };
    await world.storage.endpoints.create(attached, { strict: false });
    const put = world.storage.records.find((record) => record.kind === "certificate-put");
    assert(put?.kind === "certificate-put");
    assert.match(world.seal.open(put.row.sealed_key, keyPurpose(id)), /BEGIN PRIVATE KEY/);
  });

  test("works on each once at a time, and on some of many", async () => {
    await using world = await openWorld();
    const ids: string[] = [];
    for (let n = 0; n < JOBS_AT_ONCE_MAX + 3; n += 1) ids.push(await world.create());
    const begun: (() => void)[] = [];
    await using keeper = world.keeperOf(async (attempt) => {
      const turn = Promise.withResolvers<void>();
      begun.push(turn.resolve);
      await turn.promise;
      return issue(attempt);
    });
    for (let n = 0; n < 5; n += 1) keeper.look();
    await until("as many are begun as may be", () => begun.length === JOBS_AT_ONCE_MAX);
    begun.shift()?.();
    await until("another has its turn", () => begun.length === JOBS_AT_ONCE_MAX);
    const end = setInterval(() => begun.shift()?.(), 1);
    await until("all are verified", () => ids.every((id) => world.find(id).state === "verified"));
    clearInterval(end);
    await keeper.idle();
    assert.equal(keeper.counts.issued, ids.length, "none was worked on twice");
  });

  test("tries again what has failed when its time has come, by another challenge", async () => {
    await using world = await openWorld();
    const id = await world.create();
    const rotations: number[] = [];
    await using keeper = world.keeperOf(async ({ rotation }) => {
      rotations.push(rotation);
      return failed("the CA's own words", { rotate: true });
    });
    keeper.look();
    await keeper.idle();
    assert.equal(world.find(id).state, "pending");
    assert.equal(world.job(id).dueAt, world.clock.now() + 60_000);
    assert.match(world.story(id).at(-1)?.message ?? "", /^the CA's own words; again on \d{4}/);
    world.clock.advance(59_999);
    keeper.look();
    await keeper.idle();
    assert.deepEqual(rotations, [0], "not before its time");
    world.clock.advance(1);
    keeper.look();
    await keeper.idle();
    assert.deepEqual(rotations, [0, 1]);
    assert.equal(world.job(id).failures, 2);
  });

  test("gives up what will be refused again, until somebody asks", async () => {
    await using world = await openWorld();
    const id = await world.create();
    await using keeper = world.keeperOf(async () => failed("no", { permanent: true }));
    keeper.look();
    await keeper.idle();
    assert.equal(world.find(id).state, "error");
    assert.equal(world.job(id).dueAt, undefined);
    assert.deepEqual(world.story(id).at(-1)?.kind, "given-up");
  });

  test("keeps an order and its key before it goes on, and goes on with it in its next life", async () => {
    await using world = await openWorld();
    const id = await world.create();
    const hung = Promise.withResolvers<Attempted>();
    const kept = Promise.withResolvers<void>();
    const killed = world.keeperOf(async (attempt) => {
      await attempt.keep({ url: `${CA}/order/1`, key: "its key" });
      kept.resolve();
      return hung.promise;
    });
    killed.look();
    await kept.promise;
    const orders: unknown[] = [];
    {
      await using keeper = world.keeperOf(async (attempt) => {
        orders.push(attempt.order);
        return issue(attempt);
      });
      keeper.look();
      await keeper.idle();
    }
    assert.deepEqual(orders, [{ url: `${CA}/order/1`, key: "its key" }]);
    assert.equal(world.job(id).order, undefined, "it is done with");
    hung.reject(new Error("the end of the test"));
    await killed[Symbol.asyncDispose]();
  });

  test("asks the CA once for its window, and renews in it, under the same id", async () => {
    await using world = await openWorld();
    const id = await world.create();
    let asked = 0;
    const replaced: unknown[] = [];
    const startAt = world.clock.now() + 10 * DAY_MS;
    const window = { startAt, endAt: startAt + DAY_MS, retryAt: startAt + 100 * DAY_MS };
    await using keeper = world.keeperOf(
      async (attempt) => {
        replaced.push(attempt.replaces);
        return issue(attempt);
      },
      async () => {
        asked += 1;
        return window;
      },
    );
    keeper.look();
    await keeper.idle();
    const before = world.find(id);
    world.clock.advance(60_000);
    keeper.look();
    await keeper.idle();
    assert.equal(asked, 1);
    assert.equal(world.job(id).dueAt, startAt, "random draws the window's first moment here");
    world.clock.advance(10 * DAY_MS);
    keeper.look();
    await keeper.idle();
    const renewed = world.find(id);
    assert.notEqual(renewed.issued?.sha1, before.issued?.sha1);
    assert.deepEqual({ ...renewed, issued: 0 }, { ...before, issued: 0 });
    assert.deepEqual(replaced, [undefined, before.issued?.chain]);
    assert.deepEqual(keeper.counts, { issued: 1, renewed: 1, failed: 0 });
  });

  test("renews at the next look that the CA permits, once it has moved its window", async () => {
    await using world = await openWorld();
    await world.create();
    let asked = 0;
    let startAt = world.clock.now() + 30 * DAY_MS;
    await using keeper = world.keeperOf(issue, async () => {
      asked += 1;
      return { startAt, endAt: startAt + DAY_MS, retryAt: world.clock.now() + DAY_MS };
    });
    const lookAfter = async (ms: number) => {
      world.clock.advance(ms);
      keeper.look();
      await keeper.idle();
      return [asked, keeper.counts.renewed];
    };
    assert.deepEqual(await lookAfter(0), [0, 0]);
    assert.deepEqual(await lookAfter(60_000), [1, 0]);
    startAt = world.clock.now() - 2 * DAY_MS;
    assert.deepEqual(await lookAfter(DAY_MS - 1), [1, 0]);
    assert.deepEqual(await lookAfter(1), [2, 1]);
  });

  test("keeps one in force whose renewal fails, whatever the CA says", async () => {
    await using world = await openWorld();
    const id = await world.create();
    let answer = issue;
    await using keeper = world.keeperOf((attempt) => answer(attempt));
    keeper.look();
    await keeper.idle();
    answer = async () => failed("no more", { permanent: true });
    world.clock.advance(300 * DAY_MS);
    keeper.look();
    await keeper.idle();
    assert.equal(world.find(id).state, "verified");
    assert.equal(world.job(id).dueAt, world.clock.now() + 6 * 3_600_000);
    world.clock.advance(100 * DAY_MS);
    keeper.look();
    await keeper.idle();
    assert.equal(world.find(id).state, "error", "now it has ended");
  });

  test("forgets what is deleted while it is under way, and gives its order up", async () => {
    await using world = await openWorld();
    const id = await world.create();
    const { accountCertificates } = world.storage;
    await using keeper = world.keeperOf(async (attempt) => {
      assert.equal(await accountCertificates.delete(world.account.id, id), "deleted");
      await attempt.keep({ url: CA, key: "key" });
      return issue(attempt);
    });
    keeper.look();
    await keeper.idle();
    assert.equal(accountCertificates.find(world.account.id, id), undefined);
    assert.deepEqual(world.abandoned, [CA]);
  });

  for (const { whose, at, told } of [
    { whose: "the CA's", at: CA, told: [`${CA}/order`] },
    { whose: "another CA's", at: "https://other.example/directory", told: [] },
  ]) {
    test(`gives up ${whose} order that an endpoint leaves behind, once`, async () => {
      await using world = await openWorld();
      const { endpoints, certificateJobs: jobs } = world.storage;
      const { endpoint, certificateId } = await world.createEndpoint();
      const order = { issuer: at, url: `${CA}/order`, sealedKey: Buffer.from("sealed") };
      await jobs.save(certificateId, { failures: 0, rotation: 0, order });
      assert.deepEqual(jobs.abandoned(10), []);
      await endpoints.delete(world.account.id, endpoint.id);
      assert.deepEqual(jobs.abandoned(10), [{ issuer: at, url: order.url }], "over a restart, too");
      await using keeper = world.keeperOf(issue);
      keeper.look();
      await keeper.idle();
      keeper.look();
      await keeper.idle();
      assert.deepEqual(world.abandoned, told);
      assert.deepEqual(jobs.abandoned(10), []);
    });
  }

  test("notes what is no CA's doing as a failure, and tries again", async () => {
    await using world = await openWorld();
    const id = await world.create();
    await using keeper = world.keeperOf(async () => Promise.reject(new Error("a bug")));
    keeper.look();
    await keeper.idle();
    assert.equal(world.find(id).state, "pending");
    assert.match(world.story(id).at(-1)?.message ?? "", /^a bug; again/);
  });
});
