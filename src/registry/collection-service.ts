import { randomUUID } from "node:crypto";
import type { Listed } from "#api/page.ts";
import { notFound, Problem } from "#problem.ts";
import { type Collection, type CollectionType, isActive } from "./collection.ts";
import type { CollectionStore } from "./collection-store.ts";
import type { Registry } from "./registry.ts";

export interface CollectionServiceParts {
  readonly store: CollectionStore;
  /** Tells the collector that there is something to do. */
  readonly wake: () => void;
}

/** The rules of CONTRACT §4.3. */
export class CollectionService {
  readonly #parts: CollectionServiceParts;

  constructor(parts: CollectionServiceParts) {
    this.#parts = parts;
  }

  /** @throws Problem("conflict") while another one of the registry is active */
  async start(registry: Registry, type: CollectionType): Promise<Collection> {
    const { store, wake } = this.#parts;
    const started = await store.start({ uuid: randomUUID(), registryId: registry.id, type });
    if (started === "active") {
      throw new Problem("conflict", "a garbage collection of this registry is active already");
    }
    if (started === "registry-missing") throw notFound("registry does not exist");
    wake();
    return started;
  }

  /** @throws Problem("not_found") when none is */
  active(registry: Registry): Collection {
    const latest = this.#parts.store.latest(registry.id);
    if (latest !== undefined && isActive(latest)) return latest;
    throw notFound("there is no active garbage collection");
  }

  page(registry: Registry, offset: number, limit: number): Listed<Collection> {
    return this.#parts.store.page(registry.id, offset, limit);
  }

  find(registry: Registry, uuid: string): Collection {
    const collection = this.#parts.store.find(registry.id, uuid);
    if (collection === undefined) throw notFound("garbage collection not found");
    return collection;
  }

  /** @throws Problem("conflict") when it has ended */
  async cancel(registry: Registry, uuid: string): Promise<Collection> {
    const { store, wake } = this.#parts;
    const cancelled = await store.cancel(registry.id, uuid);
    if (cancelled === "missing") throw notFound("garbage collection not found");
    if (cancelled === "ended") {
      throw new Problem("conflict", "the garbage collection has ended already");
    }
    wake();
    return cancelled;
  }
}
