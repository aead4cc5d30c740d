import type { DatabaseSync } from "node:sqlite";
import type { Delivery, DeliveryStore, WebhookEvent } from "#registry/webhook.ts";
import { statements } from "./connection.ts";
import type { Writer } from "./writer.ts";

const FILE = "registry-deliveries.sql";

interface DeliveryRow {
  readonly number: number;
  readonly registry_id: number;
  readonly registry: string;
  readonly webhook_id: string;
  readonly event: string;
  readonly repository: string;
  readonly tag: string;
  readonly digest: string;
  readonly at: number;
  readonly failures: number;
}

/** A tag that has been pushed or deleted. */
interface ChangedTag {
  readonly name: string;
  readonly digest: string;
}

/** Writes down what webhooks are to be told, in the transaction of what has happened. */
export type TellWebhooks = (
  repository: number,
  event: WebhookEvent,
  tags: readonly ChangedTag[],
  now: number,
) => void;

export function tellWebhooks(db: DatabaseSync): TellWebhooks {
  const sql = statements(db, FILE);
  return (repository, event, tags, now) => {
    for (const { name, digest } of tags)
      sql("tell").run({ repository, event, tag: name, digest, now });
  };
}

/** The writes behind `DeliveryStore`. */
export function registryDeliveryWrites(db: DatabaseSync) {
  const sql = statements(db, FILE);
  return {
    "delivery.settle": (number: number): void => {
      sql("settle").run(number);
    },
    "delivery.retry-at": (number: number, at: number): void => {
      sql("retryAt").run(at, number);
    },
  };
}

/** Reads come from this thread's own connection, which sees every write that was acknowledged. */
export function sqliteDeliveries(db: DatabaseSync, writer: Writer): DeliveryStore {
  const sql = statements(db, FILE);
  return {
    nextOfEach: (now, after, limit) =>
      (sql("nextOfEach").all({ now, after, limit }) as unknown as DeliveryRow[]).map(toDelivery),
    settle: (number) => writer.run("delivery.settle", number),
    retryAt: (number, at) => writer.run("delivery.retry-at", number, at),
  };
}

function toDelivery({ registry_id, webhook_id, event, ...row }: DeliveryRow): Delivery {
  return {
    ...row,
    registryId: registry_id,
    webhookId: webhook_id,
    event: event as WebhookEvent,
  };
}
