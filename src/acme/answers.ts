import type { Clock } from "#clock.ts";
import type { Logger } from "#log.ts";
import type { Seal } from "#seal.ts";
import { unreachable } from "#unreachable.ts";
import type { ChallengeAnswer, ChallengeType } from "./acme.ts";

/**
 * Port: where challenges are answered. Both may be done again, also after a crash; an id is an
 * answer of one kind for all its life.
 */
export interface ChallengeAnswers {
  /** Resolves when whoever asks, at every live edge and the DNS responder, is given the answer. */
  put(id: string, answer: ChallengeAnswer): Promise<void>;
  /** Resolves when nobody is given it any more. One that is not there is no error. */
  delete(id: string): Promise<void>;
}

/** An answer as it lasts. */
export interface KeptChallenge {
  readonly id: string;
  readonly kind: ChallengeType;
  /** Sealed for `answerPurpose(id)`: JSON of a `KeptAnswer`. */
  readonly sealedAnswer: Uint8Array;
  /** Milliseconds since the epoch. */
  readonly createdAt: number;
}

/** What is sealed. A challenge's certificate is made once, so that all workers show the same. */
export type KeptAnswer =
  | Exclude<ChallengeAnswer, { kind: "tls-alpn-01" }>
  | ({ readonly kind: "tls-alpn-01"; readonly name: string } & AlpnCertificate);

/** PEM, with the digest of RFC 8737 §3 in it. */
interface AlpnCertificate {
  readonly certPem: string;
  readonly keyPem: string;
}

/** Port: answers that last. A change and its feed number are one transaction. */
export interface ChallengeStore {
  /**
   * Adds it, or puts it in the place of the one with its id. Nothing is written when there are
   * `CHALLENGES_MAX`. @returns the change's number, which has been handed to the edges
   */
  put(challenge: KeptChallenge): Promise<number | "told-nobody" | "full">;
  delete(id: string): Promise<number | "told-nobody">;
  /** Removes those made before then, and tells nobody. */
  deleteBefore(createdAt: number): Promise<void>;
  all(): readonly KeptChallenge[];
}

/** Answers at a time: each worker holds them all, a few KiB each, and each is an order under way. */
export const CHALLENGES_MAX = 1_000;

/** A CA looks within seconds, and an order is given up within hours: older ones were forgotten. */
const LEFTOVER_MS = 86_400_000;

export interface StoredAnswersParts {
  readonly store: ChallengeStore;
  readonly seal: Seal;
  /** Resolves when a change is in force at every live edge. */
  readonly settled: (number: number) => Promise<void>;
  /** Makes the certificate of RFC 8737 §3. */
  readonly alpnCertificate: (name: string, keyAuthorization: string) => Promise<AlpnCertificate>;
  readonly clock: Clock;
  readonly log: Logger;
}

/** What an answer is sealed for. */
export function answerPurpose(id: string): string {
  return `challenge/${id}/answer`;
}

/** Answers that outlive the process: the edges' are told by the feed, DNS values are read here. */
export class StoredAnswers implements ChallengeAnswers {
  readonly #parts: StoredAnswersParts;
  /** Of dns-01, by id. */
  readonly #values = new Map<string, { readonly name: string; readonly value: string }>();

  private constructor(parts: StoredAnswersParts) {
    this.#parts = parts;
  }

  /** Those that were there when the process ended are answered on, but for leftovers. */
  static async open(parts: StoredAnswersParts): Promise<StoredAnswers> {
    const { store, clock } = parts;
    await store.deleteBefore(clock.now() - LEFTOVER_MS);
    const answers = new StoredAnswers(parts);
    for (const kept of store.all()) if (kept.kind === "dns-01") answers.#recall(kept);
    return answers;
  }

  /** The TXT values that stand at `_acme-challenge.NAME` now. In lower case, as names here are. */
  valuesOf(name: string): readonly string[] {
    const values = [...this.#values.values()].filter((each) => each.name === name);
    return [...new Set(values.map(({ value }) => value))];
  }

  /** Whether values stand below a name: then it is there itself (RFC 8020). */
  hasBelow(name: string): boolean {
    return [...this.#values.values()].some((each) => each.name.endsWith(`.${name}`));
  }

  async put(id: string, answer: ChallengeAnswer): Promise<void> {
    const { store, seal, settled, clock } = this.#parts;
    const kept = await this.#kept(answer);
    const sealedAnswer = seal.seal(JSON.stringify(kept), answerPurpose(id));
    const put = await store.put({ id, kind: kept.kind, sealedAnswer, createdAt: clock.now() });
    if (put === "full") throw new Error(`${CHALLENGES_MAX} challenges are answered already`);
    if (kept.kind === "dns-01") this.#values.set(id, kept);
    if (put !== "told-nobody") await settled(put);
  }

  async delete(id: string): Promise<void> {
    const { store, settled } = this.#parts;
    const deleted = await store.delete(id);
    this.#values.delete(id);
    if (deleted !== "told-nobody") await settled(deleted);
  }

  /** What could not be taken back when its order ended, as when the disk was full: a day later it is. */
  async forgetOld(): Promise<void> {
    const { store, clock } = this.#parts;
    const before = clock.now() - LEFTOVER_MS;
    const old = store.all().filter(({ createdAt }) => createdAt < before);
    for (const { id } of old) await this.delete(id);
  }

  async #kept(answer: ChallengeAnswer): Promise<KeptAnswer> {
    const name = answer.name.toLowerCase();
    switch (answer.kind) {
      case "http-01":
      case "dns-01":
        return { ...answer, name };
      case "tls-alpn-01": {
        const certificate = await this.#parts.alpnCertificate(name, answer.keyAuthorization);
        return { kind: answer.kind, name, ...certificate };
      }
      default:
        return unreachable(answer);
    }
  }

  /** One that cannot be opened is one that its order will put again. */
  #recall({ id, sealedAnswer }: KeptChallenge): void {
    try {
      const answer = openAnswer(this.#parts.seal, id, sealedAnswer);
      if (answer.kind === "dns-01") this.#values.set(id, answer);
    } catch (error) {
      this.#parts.log.warn({ err: error }, "challenge forgotten");
    }
  }
}

/** @throws Error when it was sealed under another key, or for another id */
export function openAnswer(seal: Seal, id: string, sealedAnswer: Uint8Array): KeptAnswer {
  return JSON.parse(seal.open(sealedAnswer, answerPurpose(id))) as KeptAnswer;
}
