import { setTimeout as delay } from "node:timers/promises";
import type { Atoll } from "../../support/atoll.ts";
import type { Random } from "../random.ts";
import { type Catalogue, change, type SoakObject } from "./catalogue.ts";
import type { Oracle } from "./oracle.ts";

/** What a purge names. */
type Reach = "path" | "paths" | "folder" | "tag" | "everything" | "soft path" | "soft folder";

const REACHES: readonly [Reach, ...Reach[]] = [
  "path",
  "path",
  "path",
  "path",
  "paths",
  "paths",
  "folder",
  "tag",
  "soft path",
  "soft path",
  "soft folder",
];

/** Changes what is in the store, and purges it, mostly. */
export class Purger {
  /** Purges that were acknowledged, by their reach. */
  readonly counts = new Map<string, number>();
  changes = 0;
  readonly #atoll: Atoll;
  readonly #endpointId: string;
  readonly #catalogue: Catalogue;
  readonly #oracle: Oracle;

  constructor(atoll: Atoll, endpointId: string, catalogue: Catalogue, oracle: Oracle) {
    this.#atoll = atoll;
    this.#endpointId = endpointId;
    this.#catalogue = catalogue;
    this.#oracle = oracle;
  }

  /** One after the other until the signal aborts. */
  async run(random: Random, signal: AbortSignal): Promise<void> {
    for (let i = 1; !signal.aborted; i += 1) {
      await delay(random.between(20, 250), undefined, { signal }).catch(() => undefined);
      if (random.below(4) === 0) this.#change([random.pick(this.#some())], random);
      else await this.purge(i % 60 === 0 ? "everything" : random.pick(REACHES), random);
    }
  }

  /** Changes some of what it reaches, then purges. */
  async purge(reach: Reach, random: Random): Promise<void> {
    const { objects } = this.#catalogue;
    const one = random.pick(this.#some());
    const few = [one, random.pick(this.#some()), random.pick(this.#some())];
    const { reached, files } = {
      path: { reached: [one], files: [one.path] },
      "soft path": { reached: [one], files: [one.path] },
      paths: { reached: few, files: few.map(({ path }) => path) },
      folder: { reached: objects.filter(inFolder(one)), files: [`${one.folder}/*`] },
      "soft folder": { reached: objects.filter(inFolder(one)), files: [`${one.folder}/*`] },
      tag: { reached: objects.filter(({ tag }) => tag === one.tag), files: [`tag:${one.tag}`] },
      everything: { reached: objects, files: ["*"] },
    }[reach];
    this.#change(
      reached.filter(() => random.below(Math.min(reached.length, 4)) === 0),
      random,
    );
    const soft = reach.startsWith("soft");
    const sentAt = performance.now();
    const target = `/v2/cdn/endpoints/${this.#endpointId}/cache`;
    const { status, text } = await this.#atoll.api("DELETE", target, { body: { files, soft } });
    if (status !== 204) throw new Error(`A purge was answered with ${status}: ${text}`);
    this.counts.set(reach, (this.counts.get(reach) ?? 0) + 1);
    // What a soft one reaches may be served until the store has been asked.
    if (soft) return;
    const isByTag = files.some((file) => file.startsWith("tag:"));
    this.#oracle.purged(reached, { sentAt, doneAt: performance.now(), isByTag });
  }

  #some(): readonly [SoakObject, ...SoakObject[]] {
    return this.#catalogue.objects as readonly [SoakObject, ...SoakObject[]];
  }

  #change(objects: readonly SoakObject[], random: Random): void {
    for (const object of objects) change(object, random, performance.now());
    this.changes += objects.length;
  }
}

function inFolder({ folder }: SoakObject): (object: SoakObject) => boolean {
  return (object) => object.folder === folder;
}
