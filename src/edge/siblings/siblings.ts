import type { Clock } from "#clock.ts";
import type { SiblingAddress } from "#feed/message.ts";
import { sharedFields } from "../fetching.ts";
import type { OriginFailure, OriginResponse } from "../origin/origin.ts";
import type { Visit } from "../visit.ts";
import { QUESTION_BYTES_MAX, SIBLING_FORGET_MS_MAX } from "./limits.ts";
import { ownerAmong } from "./owner.ts";
import { encodeQuestion } from "./question.ts";
import { Sibling, type Told } from "./sibling.ts";
import type { SiblingTokens } from "./tokens.ts";

/** What one worker needs to ask the others. */
export interface SiblingsParts {
  /** Its own place among them. */
  readonly slot: number;
  readonly tokens: SiblingTokens;
  readonly feed: { readonly number: number };
  readonly clock: Clock;
}

/** Questions to siblings, since this worker began. */
export interface SiblingCounts {
  asked: number;
  answered: number;
  /** Not answered: the origin was asked instead. */
  failed: number;
  /** Answers that broke off in their body. */
  broken: number;
}

/**
 * The other workers of this host. Each key has one owner among all that live, who fetches it for all;
 * that may be this one. Whoever is asked has a higher score for the key than who asks, by whatever
 * they know of the others: so no two can ever wait for each other.
 */
export class Siblings {
  readonly counts: SiblingCounts = { asked: 0, answered: 0, failed: 0, broken: 0 };
  readonly #parts: SiblingsParts;
  /** By slot. */
  readonly #others = new Map<number, Sibling>();
  /** All that live, this one too. */
  #slots: readonly number[];

  constructor(parts: SiblingsParts) {
    this.#parts = parts;
    this.#slots = [parts.slot];
  }

  /** These live now, and no others; this one may be among them. */
  update(addresses: readonly SiblingAddress[]): void {
    const { slot: own, tokens, clock } = this.#parts;
    const others = addresses.filter(({ slot }) => slot !== own);
    for (const [slot, sibling] of this.#others) {
      if (others.some((other) => other.slot === slot && other.port === sibling.port)) continue;
      this.#others.delete(slot);
      sibling.close();
    }
    for (const address of others) {
      if (this.#others.has(address.slot)) continue;
      this.#others.set(address.slot, new Sibling(address, tokens, clock));
    }
    this.#slots = [own, ...this.#others.keys()];
  }

  /** Whether this worker is who fetches what has this primary key, and keeps it on disk. */
  owns(key: string): boolean {
    return this.#ownerOf(key) === undefined;
  }

  /** Asks the owner of the key. Undefined: it is the origin that has to be asked, by this worker. */
  async ask(
    visit: Visit,
    asks: readonly string[],
    signal: AbortSignal,
  ): Promise<OriginResponse | OriginFailure | undefined> {
    // What a sibling has asked for is answered here.
    const owner = visit.isAsked === true ? undefined : this.#ownerOf(visit.wanted.key);
    if (owner === undefined) return undefined;
    const question = encodeQuestion(questionOf(visit, asks, this.#parts.feed.number));
    if (question.length > QUESTION_BYTES_MAX) return undefined;
    this.counts.asked += 1;
    const told = await owner.ask(question, {
      informed: (status, fields) => visit.exchange.inform(status, fields),
      brokeOff: () => {
        this.counts.broken += 1;
      },
      signal,
    });
    if (told === undefined) {
      this.counts.failed += 1;
      return undefined;
    }
    this.counts.answered += 1;
    return responseOf(told);
  }

  /** Resolves when all have forgotten what has these primary keys, or are too late to be waited for. */
  async forget(keys: readonly string[]): Promise<void> {
    if (keys.length === 0 || this.#others.size === 0) return;
    // A question each: two long targets would be too much for one.
    const questions = keys.map((key) => encodeQuestion({ kind: "forget", key }));
    const signal = AbortSignal.timeout(SIBLING_FORGET_MS_MAX);
    // One that is stuck for a moment finds it there when it goes on.
    const terms = { informed: () => undefined, signal, isUrgent: true };
    const others = [...this.#others.values()];
    await Promise.all(
      others.flatMap((sibling) => questions.map((question) => sibling.ask(question, terms))),
    );
  }

  close(): void {
    for (const sibling of this.#others.values()) sibling.close();
  }

  /** Undefined: this worker. */
  #ownerOf(key: string): Sibling | undefined {
    if (this.#others.size === 0) return undefined;
    const slot = ownerAmong(key, this.#slots);
    return slot === undefined ? undefined : this.#others.get(slot);
  }
}

function questionOf(
  visit: Visit,
  asks: readonly string[],
  number: number,
): Parameters<typeof encodeQuestion>[0] {
  const { request, exchange, live, requestId, target, onlyStored = false } = visit;
  const { address, tls } = exchange.client;
  return {
    kind: "fetch",
    number,
    endpointId: live.endpoint.id,
    requestId,
    target,
    host: request.host,
    version: request.version,
    client: { address, isTls: tls !== undefined },
    fields: sharedFields(visit),
    asks,
    onlyStored,
  };
}

function responseOf({ answer, fetch }: Told): OriginResponse | OriginFailure {
  if (answer.kind === "failed") {
    fetch.discard();
    return answer;
  }
  return { ...answer, body: fetch, discard: () => fetch.discard() };
}
