import { VARIANTS_MAX, VARYING_RESOURCES_MAX } from "./limits.ts";

interface Varying {
  readonly names: readonly string[];
  /** Keys of the variants that are stored, or were. */
  readonly keys: Set<string>;
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

  /** Names of request fields, if the resource varies. */
  namesOf(key: string): readonly string[] | undefined {
    // Nearly all do not: a look at an empty map costs nothing.
    return this.#resources.size === 0 ? undefined : this.#resources.get(key)?.names;
  }

  /** Says whether that is news: what the newest response says is what counts. */
  learn(key: string, names: readonly string[]): boolean {
    const known = this.#resources.get(key);
    if (known !== undefined && known.names.join() === names.join()) return false;
    this.forget(key);
    if (this.#resources.size >= VARYING_RESOURCES_MAX) {
      const [oldest] = this.#resources.keys();
      if (oldest !== undefined) this.#resources.delete(oldest);
    }
    this.#resources.set(key, { names, keys: new Set() });
    return true;
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
