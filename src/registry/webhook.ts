import { createHmac } from "node:crypto";

export const WEBHOOK_EVENTS = ["push", "delete"] as const;
export type WebhookEvent = (typeof WEBHOOK_EVENTS)[number];

/** Where a registry's owner wants to hear of what happens to its tags. */
export interface Webhook {
  readonly id: string;
  readonly url: string;
  readonly events: readonly WebhookEvent[];
  /** Sealed, in base64. */
  readonly sealedSecret: string;
}

/** What a webhook is to be told, and how often that has failed. */
export interface Delivery {
  /** Given once, in the order of what happened. */
  readonly number: number;
  readonly registryId: number;
  readonly registry: string;
  readonly webhookId: string;
  readonly event: WebhookEvent;
  readonly repository: string;
  readonly tag: string;
  readonly digest: string;
  readonly at: number;
  readonly failures: number;
}

/** Port: deliveries. They are written with what they tell of, or not at all. */
export interface DeliveryStore {
  /** Of each webhook after that one, by their ids, the first that is due. */
  nextOfEach(now: number, after: string, limit: number): readonly Delivery[];
  /** It was taken, or will not be tried again. */
  settle(number: number): Promise<void>;
  retryAt(number: number, at: number): Promise<void>;
}

/** What a webhook's secret is sealed for. */
export function webhookPurpose(webhookId: string): string {
  return `registry/webhooks/${webhookId}`;
}

/** The body, whose octets are signed. A receiver knows a repeated one by its number. */
export function deliveryText(delivery: Delivery): string {
  const { number, event, registry, repository, tag, digest, at } = delivery;
  return JSON.stringify({
    number,
    event,
    registry,
    repository,
    tag,
    digest,
    at: new Date(at).toISOString(),
  });
}

/** As GitHub has it, so that receivers have the code already. */
export function signatureOf(secret: string, text: string): string {
  return `sha256=${createHmac("sha256", secret).update(text).digest("hex")}`;
}

const FIRST_RETRY_MS = 5_000;
const RETRY_MAX_MS = 3_600_000;

/** 5 s, 10 s, 20 s, … up to an hour: 15 failures are some 7 hours; then it is given up. */
const FAILURES_MAX = 15;

/** When to try again after so many failures; undefined: not any more. */
export function retryDelay(failures: number): number | undefined {
  if (failures >= FAILURES_MAX) return undefined;
  return Math.min(RETRY_MAX_MS, FIRST_RETRY_MS * 2 ** (failures - 1));
}
