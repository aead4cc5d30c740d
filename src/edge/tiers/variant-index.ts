import { randomBytes } from "node:crypto";
import { keyOfVariant } from "../cache/key.ts";
import { variantKey } from "../cache/vary.ts";
import { VARIANTS_MAX, VARYING_RESOURCES_MAX } from "./limits.ts";

/** What tells the variants of a resource apart. */
export interface Variance {
  /** Of request fields. */
  readonly names: readonly string[];
  /** In all their keys: what was dropped with an earlier one is not found again, wherever it is kept. */
  readonly generation: string;
}

interface Varying {
  readonly variance: Variance;
  /** Keys of the variants that are stored, or were. */
  readonly keys: Set<string>;
}

/** The key of the variant that goes with these request fields. */
export function keyOfVariantIn(
  { key, fields }: { readonly key: string; readonly fields: readonly string[] },
  { names, generation }: Variance,
): string {
  return keyOfVariant(key, `${generation} ${variantKey(names, fields)}`);
}

/**
 * Which resources vary, and by what (RFC 9111 §4.1). It is bounded, and forgets: a resource that is
 * not in it is fetched as if it did not vary, and learnt again.
 */
export class VariantIndex {
  readonly #resources = new Map<string, Varying>();
  readonly #drop: (key: string) => void;

  /** `drop` is called with the key of a variant that is one too many. */
  constructor(drop: (key: string) => void) {
    this.#drop = drop;
  }

  /** Undefined: as far as is known the resource does not vary. */
  varianceOf(key: string): Variance | undefined {
    // Nearly all do not: a look at an empty map costs nothing.
    return this.#resources.size === 0 ? undefined : this.#resources.get(key)?.variance;
  }

  /** What the newest response says is what counts. Answers what is news. */
  learnNames(key: string, names: readonly string[]): Variance | undefined {
    if (this.varianceOf(key)?.names.join() === names.join()) return undefined;
    const variance = { names, generation: randomBytes(6).toString("base64url") };
    this.learn(key, variance);
    return variance;
  }

  /** Takes over what is known elsewhere. */
  learn(key: string, variance: Variance): void {
    for (const variant of this.forget(key)) this.#drop(variant);
    if (this.#resources.size >= VARYING_RESOURCES_MAX) {
      const [oldest] = this.#resources.keys();
      if (oldest !== undefined) this.#resources.delete(oldest);
    }
    this.#resources.set(key, { variance, keys: new Set() });
  }

  /** A variant is stored. A resource that has more than can be told apart loses its oldest. */
  note(key: string, variant: string): void {
    const keys = this.#resources.get(key)?.keys;
    if (keys === undefined) return;
    keys.delete(variant);
    keys.add(variant);
    if (keys.size <= VARIANTS_MAX) return;
    const [oldest] = keys;
    if (oldest === undefined) return;
    keys.delete(oldest);
    this.#drop(oldest);
  }

  /** It does not vary any more, or is gone. Answers the keys that its variants had. */
  forget(key: string): Iterable<string> {
    const keys = this.#resources.get(key)?.keys ?? [];
    this.#resources.delete(key);
    return keys;
  }
}
