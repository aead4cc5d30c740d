import type { Clock } from "#clock.ts";
import type { Logger } from "#log.ts";
import type { Seal } from "#seal.ts";
import { WEBHOOKS_AT_ONCE, WEBHOOKS_LOOK_EVERY_MS } from "./limits.ts";
import type { SettingsStore } from "./settings-store.ts";
import {
  type Delivery,
  type DeliveryStore,
  deliveryText,
  retryDelay,
  signatureOf,
  type Webhook,
  webhookPurpose,
} from "./webhook.ts";

/** What is sent to a receiver. */
export interface Post {
  readonly url: string;
  readonly text: string;
  readonly fields: Readonly<Record<string, string>>;
}

export interface WebhookSenderParts {
  readonly deliveries: DeliveryStore;
  readonly settings: SettingsStore;
  readonly seal: Seal;
  /** The status of the answer. Rejects when there is none. */
  readonly post: (post: Post, signal: AbortSignal) => Promise<number>;
  readonly clock: Clock;
  readonly log: Logger;
}

/** Tells webhooks until the program ends. What was not told is told by the next. */
export function startWebhookSender(parts: WebhookSenderParts): AsyncDisposable {
  const sender = new WebhookSender(parts);
  const timer = setInterval(() => sender.look(), WEBHOOKS_LOOK_EVERY_MS);
  return {
    [Symbol.asyncDispose]: async () => {
      clearInterval(timer);
      await sender[Symbol.asyncDispose]();
    },
  };
}

/**
 * Tells each webhook one delivery at a time, and many webhooks at once, each in its turn: for one that
 * is slow or away waits only what is meant for it.
 */
export class WebhookSender implements AsyncDisposable {
  readonly #parts: WebhookSenderParts;
  readonly #end = new AbortController();
  /** By the webhook's id. */
  readonly #underWay = new Map<string, Promise<void>>();
  /** The webhook whose turn it was last. */
  #last = "";

  constructor(parts: WebhookSenderParts) {
    this.#parts = parts;
  }

  /** Begins what is due. Never throws. */
  look(): void {
    try {
      // From the one after the last to the end, then from the beginning.
      for (const after of [this.#last, ""]) this.#begin(after);
    } catch (error) {
      this.#parts.log.error({ err: error }, "webhooks not told");
    }
  }

  /** Resolves when nothing is under way any more. */
  async idle(): Promise<void> {
    while (this.#underWay.size > 0) await Promise.all(this.#underWay.values());
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#end.abort();
    await this.idle();
  }

  #begin(after: string): void {
    const { deliveries, clock } = this.#parts;
    if (this.#end.signal.aborted || this.#underWay.size >= WEBHOOKS_AT_ONCE) return;
    // Fewer than that are under way, so that one of so many is not, if any is there.
    for (const delivery of deliveries.nextOfEach(clock.now(), after, WEBHOOKS_AT_ONCE)) {
      if (this.#underWay.size >= WEBHOOKS_AT_ONCE) return;
      const { webhookId } = delivery;
      if (this.#underWay.has(webhookId)) continue;
      this.#last = webhookId;
      this.#underWay.set(webhookId, this.#send(delivery));
    }
  }

  /** Never rejects. One that has failed rests until the next look, and others have its place. */
  async #send(delivery: Delivery): Promise<void> {
    const { log } = this.#parts;
    let isSettled = false;
    try {
      isSettled = await send(this.#parts, delivery, this.#end.signal);
    } catch (error) {
      log.error({ err: error, webhook: delivery.webhookId }, "webhook's delivery not settled");
    }
    this.#underWay.delete(delivery.webhookId);
    if (isSettled) this.look();
  }
}

/** @returns whether there is no more to do about it */
async function send(
  parts: WebhookSenderParts,
  delivery: Delivery,
  signal: AbortSignal,
): Promise<boolean> {
  const { deliveries, settings, clock, log } = parts;
  const { webhooks = [] } = settings.settings(delivery.registryId);
  const webhook = webhooks.find(({ id }) => id === delivery.webhookId);
  // It was removed meanwhile, or its registry was.
  const why = webhook === undefined ? undefined : await tell(parts, webhook, delivery, signal);
  if (why !== undefined) {
    if (signal.aborted) return false;
    const delay = retryDelay(delivery.failures + 1);
    const event = { registry: delivery.registry, webhook: delivery.webhookId, why };
    if (delay !== undefined) {
      log.info(event, "webhook not told; tried again later");
      await deliveries.retryAt(delivery.number, clock.now() + delay);
      return false;
    }
    log.warn(event, "webhook given up");
  }
  await deliveries.settle(delivery.number);
  return true;
}

/** Never rejects: one that cannot be told must not keep others from it. @returns why it was not */
async function tell(
  { seal, post }: WebhookSenderParts,
  { id, url, sealedSecret }: Webhook,
  delivery: Delivery,
  signal: AbortSignal,
): Promise<string | undefined> {
  try {
    const text = deliveryText(delivery);
    const secret = seal.open(Buffer.from(sealedSecret, "base64"), webhookPurpose(id));
    const fields = {
      "content-type": "application/json",
      "x-atoll-event": delivery.event,
      "x-atoll-signature": signatureOf(secret, text),
    };
    const status = await post({ url, text, fields }, signal);
    return status >= 200 && status < 300 ? undefined : `it answered ${status}`;
  } catch (error) {
    return error instanceof Error ? error.message : String(error);
  }
}
