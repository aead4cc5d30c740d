import type { Logger } from "#log.ts";
import type { Issuer } from "./issuer.ts";
import type { JobStore } from "./job.ts";
import { ABANDONED_AT_ONCE_MAX } from "./limits.ts";

/** What an order is given up with. */
export interface AbandonedOrdersParts {
  readonly jobs: Pick<JobStore, "abandoned" | "forget">;
  readonly issuer: Pick<Issuer, "name" | "abandon">;
  readonly log: Logger;
  /** Aborted at the end. */
  readonly signal: AbortSignal;
}

/**
 * Orders whose certificates are gone, deleted or with the endpoint that had asked for one. They are
 * kept until the CA was told, once: one that could not be told ends its orders by itself, within days.
 */
export class AbandonedOrders {
  readonly #parts: AbandonedOrdersParts;
  #telling: Promise<void> | undefined;

  constructor(parts: AbandonedOrdersParts) {
    this.#parts = parts;
  }

  /** Begins with those that there are, if it is not at it. */
  look(): void {
    if (this.#parts.signal.aborted) return;
    this.#telling ??= this.#tellAll()
      .catch((error: unknown) => {
        // The next look finds them again.
        if (!this.#parts.signal.aborted)
          this.#parts.log.error({ err: error }, "orders not given up");
      })
      .finally(() => {
        this.#telling = undefined;
      });
  }

  /** Resolves when none is being given up. */
  async idle(): Promise<void> {
    await this.#telling;
  }

  /** An attempt that is under way ends by it, too. */
  async tell(url: string): Promise<void> {
    const { issuer, log, signal } = this.#parts;
    try {
      await issuer.abandon(url);
    } catch (error) {
      if (!signal.aborted) log.warn({ err: error, order: url }, "order not given up");
    }
  }

  async #tellAll(): Promise<void> {
    const { jobs, issuer, signal } = this.#parts;
    for (;;) {
      const orders = jobs.abandoned(ABANDONED_AT_ONCE_MAX);
      if (orders.length === 0) return;
      for (const { issuer: at, url } of orders) {
        // Nobody speaks to a CA that was configured once.
        if (at === issuer.name) await this.tell(url);
        if (signal.aborted) return;
        await jobs.forget(url);
      }
    }
  }
}
