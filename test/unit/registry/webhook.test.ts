import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { setImmediate as turn } from "node:timers/promises";
import { manualClock } from "#clock.ts";
import { createLogger } from "#log.ts";
import { WEBHOOKS_AT_ONCE } from "#registry/limits.ts";
import type { SettingsStore } from "#registry/settings-store.ts";
import {
  type Delivery,
  deliveryText,
  retryDelay,
  signatureOf,
  type Webhook,
  webhookPurpose,
} from "#registry/webhook.ts";
import { type Post, WebhookSender } from "#registry/webhook-sender.ts";
import { sealUnder } from "../../../src/seal.ts";

const seal = sealUnder(new Uint8Array(32));
const sealedSecret = Buffer.from(seal.seal("secret", webhookPurpose("hook"))).toString("base64");
const webhook = { id: "hook", url: "https://a.test/", events: ["push"], sealedSecret } as const;

const DELIVERY: Delivery = {
  number: 1,
  registryId: 1,
  registry: "images",
  webhookId: "hook",
  event: "push",
  repository: "app",
  tag: "v1",
  digest: "sha256:ab",
  at: 0,
  failures: 0,
};

/** Deliveries in a store, and receivers that answer as they are told. */
function world(
  answer: (url: string, signal: AbortSignal) => Promise<number>,
  queued: readonly Partial<Delivery>[] = [{}],
  webhooks: readonly Webhook[] = [webhook],
) {
  const queue = new Map(
    queued.map((delivery, index) => {
      const number = index + 1;
      return [number, { ...DELIVERY, ...delivery, number, dueAt: 0 }];
    }),
  );
  const posted: Post[] = [];
  const clock = manualClock(0);
  const nextOfEach = (now: number, after: string, limit: number): Delivery[] => {
    const due = [...queue.values()].filter(({ dueAt }) => dueAt <= now);
    const byWebhook = Map.groupBy(due, ({ webhookId }) => webhookId);
    const ids = [...byWebhook.keys()].filter((id) => id > after).toSorted();
    return ids.flatMap((id) => byWebhook.get(id)?.slice(0, 1) ?? []).slice(0, limit);
  };
  const sender = new WebhookSender({
    deliveries: {
      nextOfEach,
      settle: async (number) => void queue.delete(number),
      retryAt: async (number, at) => {
        const before = queue.get(number);
        assert(before !== undefined);
        queue.set(number, { ...before, failures: before.failures + 1, dueAt: at });
      },
    },
    settings: { settings: () => ({ webhooks }) } as unknown as SettingsStore,
    seal,
    post: async (post, signal) => {
      posted.push(post);
      return answer(post.url, signal);
    },
    clock,
    log: createLogger("silent"),
  });
  return {
    queue,
    posted,
    clock,
    sender,
    send: async () => {
      sender.look();
      await sender.idle();
    },
  };
}

describe("a webhook's delivery", () => {
  test("is signed with the webhook's secret, and gone once it was taken", async () => {
    const { queue, posted, send } = world(async () => 204);
    await send();
    const [post] = posted;
    assert.equal(post?.text, deliveryText(DELIVERY));
    assert.equal(post.fields["x-atoll-signature"], signatureOf("secret", post.text));
    assert.equal(queue.size, 0);
  });

  for (const [what, answer] of [
    ["refused", async () => 500],
    ["redirected", async () => 302],
    ["not reached", () => Promise.reject(new Error("ECONNREFUSED"))],
  ] as const) {
    test(`that is ${what} is tried again, later each time`, async () => {
      const { queue, posted, clock, send } = world(answer);
      await send();
      await send();
      assert.equal(posted.length, 1);
      assert.deepEqual(queue.get(1), { ...DELIVERY, failures: 1, dueAt: 5_000 });
      clock.advance(5_000);
      await send();
      assert.equal(queue.get(1)?.dueAt, 15_000);
    });
  }

  test("is given up at last", async () => {
    const { queue, send } = world(async () => 500, [{ failures: 14 }]);
    await send();
    assert.equal(queue.size, 0);
    const delays = Array.from({ length: 14 }, (_, index) => retryDelay(index + 1) ?? 0);
    assert.equal(delays.at(-1), 3_600_000);
    assert(delays.every((delay, index) => index === 0 || delay >= (delays[index - 1] ?? 0)));
    assert.equal(retryDelay(15), undefined);
  });

  test("whose secret cannot be opened is tried again, and holds up no other", async () => {
    const foreign = sealUnder(new Uint8Array(32).fill(1)).seal("secret", webhookPurpose("hook"));
    const sealed = { ...webhook, sealedSecret: Buffer.from(foreign).toString("base64") };
    const { queue, posted, send } = world(async () => 204, [{}], [sealed]);
    await send();
    assert.deepEqual([queue.get(1)?.failures, posted.length], [1, 0]);
  });

  test("to a webhook that is not there any more is forgotten", async () => {
    const { queue, posted, send } = world(async () => 204, [{ webhookId: "removed" }]);
    await send();
    assert.deepEqual([queue.size, posted.length], [0, 0]);
  });
});

/** So many webhooks, each at a host of its own. */
function webhooksNamed(ids: readonly string[]): readonly Webhook[] {
  return ids.map((id) => {
    const sealed = Buffer.from(seal.seal("secret", webhookPurpose(id))).toString("base64");
    return { ...webhook, id, url: `https://${id}.test/`, sealedSecret: sealed };
  });
}

describe("webhooks", () => {
  test("that never answer hold up nothing but what is for them", async () => {
    const webhooks = webhooksNamed(["dead", "well"]);
    const dead = Array.from({ length: 100 }, () => ({ webhookId: "dead" }));
    const well = Array.from({ length: 20 }, () => ({ webhookId: "well" }));
    const { promise: never, resolve: end } = Promise.withResolvers<number>();
    const answer = async (url: string) => (url.includes("dead") ? never : 204);
    const { posted, sender, queue, send } = world(answer, [...dead, ...well], webhooks);
    sender.look();
    while (queue.size > dead.length) await turn();
    assert.equal(posted.filter(({ url }) => url.includes("dead")).length, 1);
    end(204);
    await send();
    assert.equal(queue.size, 0);
  });

  test("are told so many at a time, each in its turn", async () => {
    const ids = Array.from({ length: WEBHOOKS_AT_ONCE + 1 }, (_, index) => `hook-${100 + index}`);
    const answers: (() => void)[] = [];
    const answer = async () => {
      const { promise, resolve } = Promise.withResolvers<number>();
      answers.push(() => resolve(204));
      return promise;
    };
    const twice = [...ids, ...ids].map((webhookId) => ({ webhookId }));
    const { posted, sender, queue } = world(answer, twice, webhooksNamed(ids));
    sender.look();
    sender.look();
    assert.equal(posted.length, WEBHOOKS_AT_ONCE);
    answers[0]?.();
    while (posted.length === WEBHOOKS_AT_ONCE) await turn();
    // The first one's second delivery waits: the last webhook has not been told of anything yet.
    assert.equal(posted.at(-1)?.url, `https://${ids.at(-1)}.test/`);
    for (let index = 1; queue.size > 0; index += 1) {
      answers[index]?.();
      await turn();
    }
    assert.equal(posted.length, twice.length);
  });

  test("that refuse are asked once in a look, not for all that waits", async () => {
    const queued = Array.from({ length: 5 }, () => ({}));
    const { posted, send } = world(async () => 500, queued);
    await send();
    assert.equal(posted.length, 1);
  });

  test("are cut off when the program ends, and told again by the next", async () => {
    const answer = async (_: string, signal: AbortSignal) => {
      const { promise, reject } = Promise.withResolvers<number>();
      signal.addEventListener("abort", () => reject(signal.reason));
      return promise;
    };
    const { queue, posted, sender } = world(answer);
    sender.look();
    await sender[Symbol.asyncDispose]();
    sender.look();
    assert.equal(posted.length, 1);
    assert.deepEqual(queue.get(1), { ...DELIVERY, dueAt: 0 });
  });
});
