import type { Cache } from "./cache.ts";
import { type Node, node, Queue } from "./queue.ts";

/** SIEVE (Zhang et al., NSDI 2024): a hand goes from old to new, and evicts what was not used since. */
export class Sieve implements Cache {
  readonly #bytesMax: number;
  readonly #nodes = new Map<number, Node>();
  readonly #queue = new Queue();
  #hand: Node | undefined;

  constructor(bytesMax: number) {
    this.#bytesMax = bytesMax;
  }

  request(object: number, bytes: number): boolean {
    const known = this.#nodes.get(object);
    if (known !== undefined) {
      known.uses = 1;
      return true;
    }
    while (this.#queue.size > 0 && this.#queue.bytes + bytes > this.#bytesMax) this.#evict();
    const added = node(object, bytes);
    this.#nodes.set(object, added);
    this.#queue.push(added);
    return false;
  }

  #evict(): void {
    let at = this.#hand ?? this.#queue.oldest;
    while (at !== undefined && at.uses > 0) {
      at.uses = 0;
      at = at.newer ?? this.#queue.oldest;
    }
    if (at === undefined) return;
    this.#hand = at.newer;
    this.#queue.remove(at);
    this.#nodes.delete(at.object);
  }
}
