import { CACHE_FAMILIES, type CacheFamily } from "./cache-family.ts";
import { NO_ENDPOINT, OTHER_ENDPOINTS, type UsageSnapshot } from "./edge-counters.ts";
import {
  EDGE_FAMILIES,
  type EdgeFamily,
  ENDPOINT_FAMILIES,
  type EndpointFamily,
  type Family,
  newValues,
  type Values,
} from "./family.ts";
import { COUNTED_ENDPOINTS_MAX, USAGE_ANSWER_TIMEOUT_MS } from "./limits.ts";

/** The usage of all workers together, those that are gone included. */
export interface MergedUsage {
  /** That run now. */
  readonly workers: number;
  readonly edge: Values<EdgeFamily>;
  readonly cache: Values<CacheFamily>;
  readonly endpoints: ReadonlyMap<string, Values<EndpointFamily>>;
}

/** One worker's place in the usage of all. */
export interface UsageMember {
  /** The worker has answered, or told unasked. */
  heard(snapshot: UsageSnapshot): void;
  /** The worker has ended: what it last told is kept. */
  leave(): void;
}

interface Member {
  readonly ask: () => void;
  readonly waiting: Set<() => void>;
  last: UsageSnapshot | undefined;
}

/**
 * The parent's view of what its workers count. No counter that was shown ever goes back: a worker
 * that ends leaves what it last told; what it counted after that was never shown, and is lost.
 */
export class EdgeUsage {
  readonly #members = new Set<Member>();
  /** Of the workers that are gone. */
  readonly #base = new Sum();
  /** Endpoints with series of their own: first come, first named, or a series would jump. */
  readonly #named = new Set<string>([NO_ENDPOINT]);

  /** `ask` sends the worker a message whose answer goes to `heard`. */
  join(ask: () => void): UsageMember {
    const member: Member = { ask, waiting: new Set(), last: undefined };
    this.#members.add(member);
    return {
      heard: (snapshot) => {
        member.last = snapshot;
        for (const answered of member.waiting) answered();
      },
      leave: () => {
        if (!this.#members.delete(member)) return;
        if (member.last !== undefined) this.#base.add(member.last, this.#name, "counters");
        for (const answered of member.waiting) answered();
      },
    };
  }

  /** Asks every worker, and takes what those that do not answer in time told last. */
  async current(timeoutMs = USAGE_ANSWER_TIMEOUT_MS): Promise<MergedUsage> {
    const timeout = Promise.withResolvers<void>();
    const timer = setTimeout(timeout.resolve, timeoutMs);
    const answers = [...this.#members].map((member) => answerOf(member, timeout.promise));
    await Promise.all(answers);
    clearTimeout(timer);
    return this.merged();
  }

  merged(): MergedUsage {
    const sum = new Sum();
    sum.add(this.#base, this.#name, "all");
    for (const { last } of this.#members) {
      if (last !== undefined) sum.add(last, this.#name, "all");
    }
    const { edge, cache, endpoints } = sum;
    return { workers: this.#members.size, edge, cache, endpoints };
  }

  /** The endpoint is deleted and every worker knows: its series end. */
  forget(id: string): void {
    this.#named.delete(id);
    this.#base.endpoints.delete(id);
    for (const member of this.#members) {
      if (member.last === undefined) continue;
      const endpoints = new Map(member.last.endpoints);
      endpoints.delete(id);
      member.last = { ...member.last, endpoints };
    }
  }

  readonly #name = (id: string): string => {
    if (this.#named.has(id)) return id;
    if (this.#named.size > COUNTED_ENDPOINTS_MAX) return OTHER_ENDPOINTS;
    if (id !== OTHER_ENDPOINTS) this.#named.add(id);
    return id;
  };
}

async function answerOf(member: Member, timeout: Promise<void>): Promise<void> {
  const { promise, resolve } = Promise.withResolvers<void>();
  member.waiting.add(resolve);
  member.ask();
  await Promise.race([promise, timeout]);
  member.waiting.delete(resolve);
}

/** A snapshot that others are added to. */
class Sum implements UsageSnapshot {
  readonly edge = newValues(EDGE_FAMILIES);
  readonly cache = newValues(CACHE_FAMILIES);
  readonly endpoints = new Map<string, Values<EndpointFamily>>();

  /** Gauges are of those who live: only their counters are kept of the dead. */
  add(snapshot: UsageSnapshot, name: (id: string) => string, what: "counters" | "all"): void {
    addValues(EDGE_FAMILIES, this.edge, snapshot.edge, what);
    addValues(CACHE_FAMILIES, this.cache, snapshot.cache, what);
    for (const [id, values] of snapshot.endpoints) {
      addValues(ENDPOINT_FAMILIES, this.#endpoint(name(id)), values, what);
    }
  }

  #endpoint(id: string): Values<EndpointFamily> {
    const known = this.endpoints.get(id);
    if (known !== undefined) return known;
    const values = newValues(ENDPOINT_FAMILIES);
    this.endpoints.set(id, values);
    return values;
  }
}

function addValues<Name extends string>(
  families: Readonly<Record<Name, Family>>,
  to: Values<Name>,
  from: Values<Name>,
  what: "counters" | "all",
): void {
  for (const name of Object.keys(families) as Name[]) {
    if (what === "counters" && families[name].type === "gauge") continue;
    const sums = to[name];
    for (const [place, value] of from[name].entries()) sums[place] = (sums[place] ?? 0) + value;
  }
}
