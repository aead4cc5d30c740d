import { setTimeout as pause } from "node:timers/promises";
import type { Clock } from "#clock.ts";
import type { Logger } from "#log.ts";
import {
  type Collection,
  type CollectionStatus,
  removesBlobs,
  removesManifests,
} from "./collection.ts";
import type { CollectionStore, Cursor, Step } from "./collection-store.ts";
import { COLLECTION_BATCH, COLLECTION_DELAY_MS } from "./limits.ts";

export interface CollectorParts {
  readonly store: CollectionStore;
  /** Removes a blob's file, unless an upload has brought it again. */
  readonly removeFile: (digest: string) => Promise<unknown>;
  readonly clock: Clock;
  readonly log: Logger;
}

/**
 * Carries collections out, one after the other, and removes what deleted repositories had. All of it
 * is in the store: after a crash the next start goes on where the last one was.
 */
export class Collector implements AsyncDisposable {
  readonly #parts: CollectorParts;
  readonly #end = new AbortController();
  #running: Promise<void> | undefined;
  #isAsked = false;

  constructor(parts: CollectorParts) {
    this.#parts = parts;
  }

  /** There is something to do. Returns at once. */
  wake(): void {
    this.#isAsked = true;
    if (this.#end.signal.aborted) return;
    this.#running ??= this.#run().finally(() => {
      this.#running = undefined;
      if (this.#isAsked) this.wake();
    });
  }

  /** Resolves when there is nothing more to do. */
  async idle(): Promise<void> {
    while (this.#running !== undefined) await this.#running;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#end.abort();
    await this.idle();
  }

  async #run(): Promise<void> {
    const { store, log } = this.#parts;
    this.#isAsked = false;
    try {
      while (await this.#goesOn(store.shrinkDeleted(COLLECTION_BATCH))) await this.#removeOrphans();
      await this.#removeOrphans();
      for (let next = store.next(); next !== undefined; next = store.next()) {
        if (!(await this.#waited(next))) return;
        await this.#collect(next);
      }
    } catch (error) {
      log.error({ err: error }, "collector stopped; it is tried again at the next request");
    }
  }

  /** False when the program ends. */
  async #goesOn(step: Promise<boolean>): Promise<boolean> {
    return (await step) && !this.#end.signal.aborted;
  }

  /** A collection that has only just been asked for can still be cancelled for a moment. */
  async #waited({ uuid, createdAt, registryId }: Collection): Promise<boolean> {
    const { store, clock } = this.#parts;
    const { signal } = this.#end;
    const step = COLLECTION_DELAY_MS / 10;
    while (clock.now() < createdAt + COLLECTION_DELAY_MS && !signal.aborted) {
      if (store.find(registryId, uuid)?.status !== "requested") break;
      await pause(step, undefined, { signal }).catch(() => undefined);
    }
    return !signal.aborted;
  }

  async #collect(collection: Collection): Promise<void> {
    const { store, log } = this.#parts;
    const { uuid } = collection;
    try {
      const status = await this.#carryOut(collection);
      // The program ends, and the next start goes on; or the registry is gone.
      if (this.#end.signal.aborted || status === undefined) return;
      await this.#removeOrphans();
      await store.advance(uuid, status === "cancelling" ? "cancelled" : "succeeded");
    } catch (error) {
      log.error({ err: error, collection: uuid }, "garbage collection failed");
      await store.advance(uuid, "failed");
    }
  }

  /** @returns what the collection is when there is no more to do */
  async #carryOut({ uuid, registryId, type }: Collection): Promise<CollectionStatus | undefined> {
    const { store } = this.#parts;
    let status: CollectionStatus | undefined;
    status = await store.advance(uuid, "scanning manifests");
    if (removesManifests(type)) {
      status = await this.#eachRepository(registryId, status, (cursor) =>
        store.removeManifests(uuid, cursor, COLLECTION_BATCH),
      );
    }
    if (!removesBlobs(type) || status !== "scanning manifests") return status;
    status = await store.advance(uuid, "deleting unreferenced blobs");
    return this.#eachRepository(registryId, status, (cursor) =>
      store.removeBlobs(uuid, cursor, COLLECTION_BATCH),
    );
  }

  /** Step by step through each repository that is there, until the status is another one. */
  async #eachRepository(
    registryId: number,
    status: CollectionStatus | undefined,
    step: (cursor: Cursor) => Promise<Step>,
  ): Promise<CollectionStatus | undefined> {
    for (const repositoryId of this.#parts.store.repositoriesOf(registryId)) {
      let after: string | undefined = "";
      while (after !== undefined && !this.#end.signal.aborted) {
        const done: Step = await step({ repositoryId, after });
        if (done.status !== status) return done.status;
        after = done.next;
      }
    }
    return status;
  }

  /** The row first, then the file, then the note that the file may be there. */
  async #removeOrphans(): Promise<void> {
    const { store } = this.#parts;
    while (!this.#end.signal.aborted) {
      const orphans = store.orphans(COLLECTION_BATCH);
      if (orphans.length === 0) return;
      const stuck = new Set<string>();
      for (const digest of await store.forgetBlobs(orphans)) {
        if (!(await this.#isRemoved(digest))) stuck.add(digest);
      }
      const settled = orphans.filter((digest) => !stuck.has(digest));
      // Those that are left are for the next time.
      if (settled.length === 0) return;
      await store.settleOrphans(settled);
    }
  }

  /** A file that the disk does not let go of must not keep others from it. */
  async #isRemoved(digest: string): Promise<boolean> {
    try {
      await this.#parts.removeFile(digest);
      return true;
    } catch (error) {
      this.#parts.log.error({ err: error, digest }, "blob's file not removed");
      return false;
    }
  }
}
