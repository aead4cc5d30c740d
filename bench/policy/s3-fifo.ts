import { EvictionPolicy } from "#edge/cache/eviction-policy.ts";
import type { Cache } from "./cache.ts";
import { type Node, node, Queue } from "./queue.ts";

/** S3-FIFO (Yang et al., SOSP 2023) as it was published: sizes matter for the sums only. */
export class PublishedS3Fifo implements Cache {
  readonly #bytesMax: number;
  readonly #nodes = new Map<number, Node>();
  readonly #small = new Queue();
  readonly #main = new Queue();
  readonly #ghosts = new Set<number>();
  readonly #oldestGhost = this.#ghosts.values();

  constructor(bytesMax: number) {
    this.#bytesMax = bytesMax;
  }

  request(object: number, bytes: number): boolean {
    const known = this.#nodes.get(object);
    if (known !== undefined) {
      known.uses = Math.min(3, known.uses + 1);
      return true;
    }
    const isBack = this.#ghosts.delete(object);
    while (this.#nodes.size > 0 && this.#small.bytes + this.#main.bytes + bytes > this.#bytesMax) {
      this.#evict();
    }
    const added = node(object, bytes);
    this.#nodes.set(object, added);
    (isBack ? this.#main : this.#small).push(added);
    return false;
  }

  #evict(): void {
    for (;;) {
      const isSmall = this.#small.bytes > this.#bytesMax / 10 || this.#main.size === 0;
      const queue = isSmall ? this.#small : this.#main;
      const { oldest } = queue;
      if (oldest === undefined) return;
      queue.remove(oldest);
      if (oldest.uses === 0) {
        this.#nodes.delete(oldest.object);
        if (isSmall) this.#remember(oldest.object);
        return;
      }
      oldest.uses = isSmall ? 0 : oldest.uses - 1;
      this.#main.push(oldest);
    }
  }

  #remember(object: number): void {
    this.#ghosts.add(object);
    while (this.#ghosts.size > Math.max(100, this.#main.size)) {
      const { value } = this.#oldestGhost.next();
      if (value !== undefined) this.#ghosts.delete(value);
    }
  }
}

/** What the memory tier does. */
export class Ours implements Cache {
  readonly #bytesMax: number;
  readonly #policy = new EvictionPolicy();
  readonly #handles = new Map<number, number>();
  readonly #objects: number[] = [];

  constructor(bytesMax: number) {
    this.#bytesMax = bytesMax;
  }

  request(object: number, bytes: number): boolean {
    const known = this.#handles.get(object);
    if (known !== undefined) {
      this.#policy.touch(known);
      return true;
    }
    while (this.#policy.bytes + bytes > this.#bytesMax) {
      const evicted = this.#policy.evict();
      if (evicted === undefined) break;
      this.#handles.delete(this.#objects[evicted] ?? 0);
    }
    const handle = this.#policy.add(object, bytes);
    this.#handles.set(object, handle);
    this.#objects[handle] = object;
    return false;
  }
}
