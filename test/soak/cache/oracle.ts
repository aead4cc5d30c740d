import type { Connections } from "../connections.ts";
import type { Answer } from "../question.ts";
import type { Excuse } from "../tally.ts";
import { currentOf, REUSED_FOR_MS, type SoakObject, type Version } from "./catalogue.ts";
import { EXAGGERATIONS } from "./lies.ts";
import type { Weather } from "./weather.ts";

/** A purge: what had changed when it was sent is not served to whoever asks after its end. */
interface Purged {
  readonly sentAt: number;
  readonly doneAt: number;
  /** By a tag, which an answer that says that nothing is there does not have. */
  readonly isByTag: boolean;
}

/** What was asked, and when. */
export interface Asked {
  readonly object: SoakObject;
  readonly startedAt: number;
  /** The cache is left out of it. */
  readonly isPresigned: boolean;
}

/** For how long a Space's failures are kept, and answers that nothing is there. */
const NEGATIVE_MS = 10_000;
/** How much older a body may be that is still on its way as somebody comes to wait for it. */
const COLLAPSED_MS = 5_000;
/** What was stored may be as old as this where the origin fails. */
const SHELTERED_MS = 86_400_000;

/** Knows what may be answered: what the store had at some moment that still counts. */
export class Oracle {
  readonly #weather: Weather;
  readonly #connections: Pick<Connections, "killedSince">;
  readonly #purges = new Map<SoakObject, Purged[]>();

  constructor(weather: Weather, connections: Pick<Connections, "killedSince">) {
    this.#weather = weather;
    this.#connections = connections;
  }

  purged(objects: Iterable<SoakObject>, purge: Purged): void {
    for (const object of objects) {
      const purges = this.#purges.get(object) ?? [];
      purges.push(purge);
      this.#purges.set(object, purges);
    }
  }

  /** Why a version may not be what is answered, or undefined. */
  faultOf(version: Version, asked: Asked, answer: Pick<Answer, "fields">): string | undefined {
    const { startedAt } = asked;
    const earliest = this.#earliest(version, asked, answer);
    if (version.until >= earliest) return undefined;
    const agoMs = Math.round(startedAt - version.until);
    const purgeMs = Math.round(startedAt - this.#floor(asked, version.length !== undefined));
    return (
      `version ${version.number} of ${currentOf(asked.object).number}, ${asked.object.life}: ` +
      `gone ${agoMs} ms before, purged ${purgeMs} ms before; ${String(answer.fields["cache-status"])}`
    );
  }

  /** Whether the edge may have had to say that the origin failed. */
  mayFail({ object, startedAt, isPresigned }: Asked, { fields }: Pick<Answer, "fields">): boolean {
    const isStored = fields["x-cache"] === "HIT" || fields["x-cache"] === "STALE";
    const since = isStored && !isPresigned ? startedAt - NEGATIVE_MS : startedAt;
    return this.#weather.mayHaveFailed(object.path, since, performance.now());
  }

  /** How long a version may be said to be. */
  lengthsOf(length: number, { object, startedAt }: Asked): readonly number[] {
    const now = performance.now();
    const mayLie = this.#weather.mayHaveBeen("lies", object.path, startedAt, now);
    return mayLie ? [length, ...EXAGGERATIONS.map((octets) => length + octets)] : [length];
  }

  /** Why an answer that had begun may have been cut, if it may. */
  cutBy({ object, startedAt }: Asked): Excuse | undefined {
    if (this.#weather.mayHaveFailed(object.path, startedAt, performance.now())) {
      return "origin failed";
    }
    // What comes from the worker that was killed is taken up where it ended, if that can be asked for.
    const { proof, isChunked } = object;
    const isResumable = !isChunked && (proof === "strong" || proof === "date");
    return !isResumable && this.#connections.killedSince(startedAt) ? "worker killed" : undefined;
  }

  #earliest(version: Version, asked: Asked, { fields }: Pick<Answer, "fields">): number {
    const { object, startedAt, isPresigned } = asked;
    const isThere = version.length !== undefined;
    if (isPresigned || (isThere && object.life === "passing")) return startedAt;
    const status = String(fields["cache-status"]);
    const isSheltered = status.includes("stale-if-error") && this.mayFail(asked, { fields });
    const reusedMs = isThere ? REUSED_FOR_MS[object.life] : NEGATIVE_MS;
    const windowMs = isSheltered ? SHELTERED_MS : reusedMs + COLLAPSED_MS;
    return Math.max(this.#floor(asked, isThere), startedAt - windowMs);
  }

  /** From when on the store must have had what is answered, by the purges that were over. */
  #floor({ object, startedAt }: Asked, isThere: boolean): number {
    let floor = Number.NEGATIVE_INFINITY;
    for (const { sentAt, doneAt, isByTag } of this.#purges.get(object) ?? []) {
      if (doneAt > startedAt || (isByTag && !isThere)) continue;
      floor = Math.max(floor, sentAt);
    }
    return floor;
  }
}
