import type { Clock } from "#clock.ts";
import type { Logger } from "#log.ts";
import type { Seal } from "#seal.ts";
import { DELIVERIES_AT_ONCE, WEBHOOKS_LOOK_EVERY_MS } from "./limits.ts";
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

/** Tells webhooks, some at a time, until the program ends. What was not told is told by the next. */
export function startWebhookSender(parts: WebhookSenderParts): AsyncDisposable {
  const end = new AbortController();
  let running: Promise<void> | undefined;
  const timer = setInterval(() => {
    running ??= sendDue(parts, end.signal)
      .catch((error: unknown) => parts.log.error({ err: error }, "webhooks not told"))
      .finally(() => {
        running = undefined;
      });
  }, WEBHOOKS_LOOK_EVERY_MS);
  return {
    [Symbol.asyncDispose]: async () => {
      clearInterval(timer);
      end.abort();
      await running;
    },
  };
}

/** Everything that is due, and no longer than that. */
export async function sendDue(parts: WebhookSenderParts, signal: AbortSignal): Promise<void> {
  for (;;) {
    const due = parts.deliveries.due(parts.clock.now(), DELIVERIES_AT_ONCE);
    if (due.length === 0 || signal.aborted) return;
    await Promise.all(due.map((delivery) => send(parts, delivery, signal)));
  }
}

async function send(
  parts: WebhookSenderParts,
  delivery: Delivery,
  signal: AbortSignal,
): Promise<void> {
  const { deliveries, settings, clock, log } = parts;
  const { webhooks = [] } = settings.settings(delivery.registryId);
  const webhook = webhooks.find(({ id }) => id === delivery.webhookId);
  // It was removed meanwhile, or its registry was.
  if (webhook === undefined) return deliveries.settle(delivery.number);
  const why = await tell(parts, webhook, delivery, signal);
  if (why === undefined) return deliveries.settle(delivery.number);
  if (signal.aborted) return;
  const delay = retryDelay(delivery.failures + 1);
  const event = { registry: delivery.registry, webhook: webhook.id, why };
  if (delay !== undefined) {
    log.info(event, "webhook not told; tried again later");
    return deliveries.retryAt(delivery.number, clock.now() + delay);
  }
  log.warn(event, "webhook given up");
  return deliveries.settle(delivery.number);
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
