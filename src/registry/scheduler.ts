import { randomUUID } from "node:crypto";
import type { Clock } from "#clock.ts";
import type { Logger } from "#log.ts";
import type { CollectionStore } from "./collection-store.ts";
import { SCHEDULE_EVERY_MS } from "./limits.ts";
import type { Retainer } from "./retainer.ts";
import type { Schedule } from "./settings.ts";
import type { SettingsStore } from "./settings-store.ts";

const HOUR_MS = 3_600_000;

export interface SchedulerParts {
  readonly settings: SettingsStore;
  readonly collections: CollectionStore;
  readonly retainer: Pick<Retainer, "apply">;
  readonly wake: () => void;
  readonly clock: Clock;
  readonly log: Logger;
}

/** Every collection counts, whoever has asked for it. */
export function isDue(schedule: Schedule, collectedAt: number | undefined, now: number): boolean {
  return collectedAt === undefined || now - collectedAt >= schedule.everyHours * HOUR_MS;
}

/** Retention rules and then a collection for each registry whose schedule says so. */
export async function runSchedules(parts: SchedulerParts): Promise<void> {
  const { settings: store, wake, clock, log } = parts;
  for (const { registryId, settings, collectedAt } of store.scheduled()) {
    const { schedule } = settings;
    if (schedule === undefined || !isDue(schedule, collectedAt, clock.now())) continue;
    try {
      await carryOut(parts, registryId, schedule);
    } catch (error) {
      // It is still due at the next look; others must not wait for it.
      log.error({ err: error, registry: registryId }, "schedule not carried out");
    }
  }
  // Also for what was deleted without anybody asking for a collection.
  wake();
}

async function carryOut(
  { collections, retainer, log }: SchedulerParts,
  registryId: number,
  { type }: Schedule,
): Promise<void> {
  const deleted = await retainer.apply(registryId);
  if (deleted > 0) log.info({ registry: registryId, tags: deleted }, "retention rules applied");
  await collections.start({ uuid: randomUUID(), registryId, type });
}

/** Looks at schedules now and then, one look at a time. */
export function startScheduler(parts: SchedulerParts): AsyncDisposable {
  let running: Promise<void> | undefined;
  const look = (): void => {
    running ??= runSchedules(parts)
      .catch((error: unknown) => parts.log.error({ err: error }, "schedules not carried out"))
      .finally(() => {
        running = undefined;
      });
  };
  look();
  const timer = setInterval(look, SCHEDULE_EVERY_MS);
  return {
    [Symbol.asyncDispose]: async () => {
      clearInterval(timer);
      await running;
    },
  };
}
