import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { manualClock } from "#clock.ts";
import { createLogger } from "#log.ts";
import type { SettingsStore } from "#registry/settings-store.ts";
import {
  type Delivery,
  deliveryText,
  retryDelay,
  signatureOf,
  type Webhook,
  webhookPurpose,
} from "#registry/webhook.ts";
import { type Post, sendDue } from "#registry/webhook-sender.ts";
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

/** One delivery in a store, and a receiver that answers as it is told. */
function world(
  answer: () => Promise<number>,
  delivery: Partial<Delivery> = {},
  webhooks: readonly Webhook[] = [webhook],
) {
  const queue = new Map([[1, { ...DELIVERY, ...delivery, dueAt: 0 }]]);
  const posted: Post[] = [];
  const clock = manualClock(0);
  return {
    queue,
    posted,
    clock,
    send: () =>
      sendDue(
        {
          deliveries: {
            due: (now, limit) =>
              [...queue.values()].filter(({ dueAt }) => dueAt <= now).slice(0, limit),
            settle: async (number) => void queue.delete(number),
            retryAt: async (number, at) => {
              const before = queue.get(number);
              assert(before !== undefined);
              queue.set(number, { ...before, failures: before.failures + 1, dueAt: at });
            },
          },
          settings: { settings: () => ({ webhooks }) } as unknown as SettingsStore,
          seal,
          post: async (post) => {
            posted.push(post);
            return answer();
          },
          clock,
          log: createLogger("silent"),
        },
        new AbortController().signal,
      ),
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
    const { queue, send } = world(async () => 500, { failures: 14 });
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
    const { queue, posted, send } = world(async () => 204, {}, [sealed]);
    await send();
    assert.deepEqual([queue.get(1)?.failures, posted.length], [1, 0]);
  });

  test("to a webhook that is not there any more is forgotten", async () => {
    const { queue, posted, send } = world(async () => 204, { webhookId: "removed" });
    await send();
    assert.deepEqual([queue.size, posted.length], [0, 0]);
  });
});
