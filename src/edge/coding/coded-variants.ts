import type { Logger } from "#log.ts";
import type { CacheCounters } from "#usage/cache-counters.ts";
import { Body } from "../cache/body.ts";
import type { Freshness } from "../cache/freshness.ts";
import { targetOfKey } from "../cache/key.ts";
import type { MemoryBudget } from "../cache/memory-budget.ts";
import { joinedBytes } from "../cache/owned.ts";
import { type PurgeList, survivesPurges } from "../cache/purges.ts";
import type { StoredBody } from "../cache/stored-body.ts";
import type { StoredResponse } from "../cache/stored-response.ts";
import type { Tiers } from "../tiers/tiers.ts";
import { wholeBody } from "../tiers/whole-body.ts";
import { digestIn, isSameHead, variantOf, wantedVariant } from "./coded-variant.ts";
import { compressionOf } from "./compressible.ts";
import { CompressionSlots } from "./compression-slots.ts";
import { CODINGS, compressed } from "./compressor.ts";
import type { Coding } from "./negotiation.ts";
import { digestOf, octetsOf } from "./source.ts";

/** What coded variants are kept in, and made with. */
export interface CodedVariantsParts {
  readonly tiers: Tiers;
  readonly budget: MemoryBudget;
  readonly counters: CacheCounters;
  readonly log: Logger;
}

/** What is known of the octets of one body, for as long as they are in memory. */
interface Source {
  /** Absent: nobody has read them yet. */
  digest?: string | undefined;
  /** It was tried, and they do not become fewer by it, or there is no room for what they become. */
  readonly useless: Set<Coding>;
  readonly making: Map<Coding, Promise<StoredResponse | undefined>>;
}

/**
 * The coded variants of stored responses, each a stored response of its own beside the one that was not
 * coded, its identity. That one is looked up first, and all that is decided is decided of it: whether it
 * is fresh, purged, or selected. A variant is used only if it was made of the same octets, by their
 * digest, and has a head that was made of the same head: so one that is confirmed by a 304, or comes
 * again as it was, costs no second compression, and one that is replaced has no variant.
 */
export class CodedVariants {
  readonly #tiers: Tiers;
  readonly #budget: MemoryBudget;
  readonly #counters: CacheCounters;
  readonly #log: Logger;
  readonly #slots = new CompressionSlots();
  readonly #sources = new WeakMap<StoredBody, Source>();
  /** Variants from disk, whose heads were found to be of the identities that have these. */
  readonly #compared = new WeakMap<StoredResponse, Freshness>();

  constructor({ tiers, budget, counters, log }: CodedVariantsParts) {
    this.#tiers = tiers;
    this.#budget = budget;
    this.#counters = counters;
    this.#log = log;
  }

  /** The codings that it may be had in. */
  codingsOf({ body }: StoredResponse): ReadonlySet<Coding> {
    const useless = this.#sources.get(body)?.useless;
    return useless === undefined || useless.size === 0 ? CODINGS : CODINGS.difference(useless);
  }

  /** The variant, if it is in memory. */
  get(identity: StoredResponse, coding: Coding): StoredResponse | undefined {
    const coded = this.#tiers.get(wantedVariant(identity, coding));
    return coded !== undefined && this.#goesWith(coded, identity) ? coded : undefined;
  }

  /**
   * The variant, found or made: once for all who ask meanwhile, when all of the octets are there.
   * `undefined`: they never were, there is no variant, or too much else is being made. Never rejects.
   */
  async make(
    identity: StoredResponse,
    coding: Coding,
    purges: PurgeList | undefined,
  ): Promise<StoredResponse | undefined> {
    const { body } = identity;
    // What was read for one reply has no room in memory, and neither would its variant.
    if (!(body instanceof Body)) return undefined;
    const source = this.#sourceOf(body);
    let making = source.making.get(coding);
    if (making === undefined) {
      making = this.#make(identity, { body, source, coding, purges }).finally(() => {
        source.making.delete(coding);
      });
      source.making.set(coding, making);
    }
    const coded = await making;
    return coded === undefined ? undefined : this.#goingWith(identity, coded, coding);
  }

  async #make(identity: StoredResponse, of: Making): Promise<StoredResponse | undefined> {
    const { body, source, coding } = of;
    body.hold();
    try {
      source.digest ??= await digestOf(body);
      // How long it is may be known only now.
      if (source.digest === undefined || compressionOf(identity).kind !== "compress")
        return undefined;
      const found = await this.#find(identity, source.digest, of);
      if (found !== undefined) return found;
      const octets = await this.#compress(of);
      if (octets === undefined) return undefined;
      const codedBody = wholeBody(octets, this.#budget);
      if (codedBody === undefined) {
        source.useless.add(coding);
        return undefined;
      }
      const coded = variantOf(identity, { coding, body: codedBody, digest: source.digest });
      this.#tiers.put(coded);
      return coded;
    } catch (error) {
      // It would be tried again by each request.
      source.useless.add(coding);
      this.#counters.compressed(coding, "failed");
      this.#log.error({ err: error, coding }, "compression failed");
      return undefined;
    } finally {
      body.release();
    }
  }

  /** What was made of the same octets before, in either tier. */
  async #find(
    identity: StoredResponse,
    digest: string,
    { coding, purges }: Making,
  ): Promise<StoredResponse | undefined> {
    const wanted = wantedVariant(identity, coding);
    const found = this.#tiers.get(wanted) ?? (await this.#tiers.find(wanted));
    if (found === undefined || digestIn(found) !== digest) return undefined;
    // A purge is for all that was there, whether or not the origin has the same again.
    if (survivesPurges(purges, targetOfKey(identity.key), found) !== "gone") return found;
    this.#tiers.drop(found);
    return undefined;
  }

  async #compress({ body, source, coding }: Making): Promise<Buffer | undefined> {
    const abort = new AbortController();
    const slot = await this.#slots.take(abort.signal);
    if (typeof slot === "string") {
      this.#counters.compressed(coding, "refused");
      return undefined;
    }
    using _slot = slot;
    const { sizeBytes } = body;
    const reader = body.read();
    try {
      const chunks: Buffer[] = [];
      let codedBytes = 0;
      for await (const chunk of compressed(octetsOf(reader), { coding, sizeBytes }, abort.signal)) {
        codedBytes += chunk.length;
        if (codedBytes >= sizeBytes) {
          source.useless.add(coding);
          this.#counters.compressed(coding, "useless");
          return undefined;
        }
        chunks.push(chunk);
      }
      this.#counters.compressed(coding, "made");
      return joinedBytes(chunks, codedBytes);
    } finally {
      reader.close();
    }
  }

  #sourceOf(body: Body): Source {
    let source = this.#sources.get(body);
    if (source === undefined) {
      source = { useless: new Set(), making: new Map() };
      this.#sources.set(body, source);
    }
    return source;
  }

  /** Freshness is made anew for each head, and shared by those that were made of it. */
  #goesWith(coded: StoredResponse, { freshness }: StoredResponse): boolean {
    return coded.freshness === freshness || this.#compared.get(coded) === freshness;
  }

  /** Its octets are the right ones. Its head may be of before a 304, or of what was told by another. */
  #goingWith(identity: StoredResponse, coded: StoredResponse, coding: Coding): StoredResponse {
    if (this.#goesWith(coded, identity)) return coded;
    const { body } = coded;
    const renewed = variantOf(identity, { coding, body, digest: digestIn(coded) });
    if (isSameHead(coded, renewed)) {
      this.#compared.set(coded, identity.freshness);
      return coded;
    }
    if (body instanceof Body) this.#tiers.put(renewed);
    return renewed;
  }
}

/** One variant on its way. */
interface Making {
  readonly body: Body;
  readonly source: Source;
  readonly coding: Coding;
  readonly purges: PurgeList | undefined;
}
