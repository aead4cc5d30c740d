import { setTimeout as delay } from "node:timers/promises";
import { COLLECTION_TYPES, type CollectionType, isActive } from "#registry/collection.ts";
import type { Collection } from "../../support/api-body.ts";
import type { Tenant } from "../../support/registry.ts";
import { until } from "../../support/until.ts";
import type { Random } from "../random.ts";
import type { Line } from "./line.ts";
import type { Tally } from "./tally.ts";

const START_EVERY_MS = 1_000;
const END_DEADLINE_MS = 60_000;

/** Starts garbage collections, and cancels some. */
export class Collections {
  readonly #tenant: Tenant;
  readonly #line: Line;
  readonly #tally: Tally;

  constructor(tenant: Tenant, line: Line, tally: Tally) {
    this.#tenant = tenant;
    this.#line = line;
    this.#tally = tally;
  }

  async run(random: Random, signal: AbortSignal): Promise<void> {
    while (!signal.aborted) {
      await delay(START_EVERY_MS, undefined, { signal }).catch(() => undefined);
      try {
        await this.#line.untilDone(() =>
          this.#line.guarded(async () => {
            const started = await this.#start(random.pick(COLLECTION_TYPES));
            if (started !== undefined && random.below(8) === 0) await this.#cancel(started.uuid);
          }),
        );
      } catch (error) {
        this.#tally.fault(`collections: ${(error as Error).message}`);
      }
    }
  }

  /** A collection of everything that can be collected. @returns as what it ended */
  async collect(): Promise<Collection> {
    await this.#idle();
    const started = await this.#start("untagged manifests and unreferenced blobs");
    if (started === undefined) throw new Error("Another collection was started");
    await this.#idle();
    const all = await this.all();
    return all.find(({ uuid }) => uuid === started.uuid) ?? started;
  }

  /** The latest, as many as a page has. */
  async all(): Promise<readonly Collection[]> {
    const path = `/v2/registries/${this.#tenant.name}/garbage-collections?per_page=200`;
    return (await this.#tenant.api("GET", path)).json.garbage_collections;
  }

  /** Undefined: one is active. */
  async #start(type: CollectionType): Promise<Collection | undefined> {
    const path = `/v2/registries/${this.#tenant.name}/garbage-collection`;
    const { status, text, json } = await this.#tenant.api("POST", path, { type });
    this.#tally.did(status === 201 ? "collection started" : "collection is active already");
    if (status === 201) return json.garbage_collection;
    if (status === 409) return undefined;
    throw new Error(`${path}: ${status} ${text}`);
  }

  async #cancel(uuid: string): Promise<void> {
    const path = `/v2/registries/${this.#tenant.name}/garbage-collection/${uuid}`;
    const { status, text } = await this.#tenant.api("PUT", path, { cancel: true });
    // It may have ended by now.
    if (status !== 200 && status !== 409) throw new Error(`${path}: ${status} ${text}`);
    this.#tally.did("collection cancelled");
  }

  async #idle(): Promise<void> {
    await until(
      "collections come to their end",
      async () => {
        const all = await this.all();
        return !all.some(({ status }) => isActive({ status: status as never }));
      },
      END_DEADLINE_MS,
    );
  }
}
