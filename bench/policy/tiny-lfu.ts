import type { Cache } from "./cache.ts";
import { type Node, node, Queue } from "./queue.ts";

const WINDOW_SHARE = 0.01;
const PROTECTED_SHARE = 0.8;
/** Counters of each of the four rows, of requests lately. */
const COUNTERS = 2 ** 18;
const USES_MAX = 15;

/**
 * W-TinyLFU (Einziger et al., 2017) as Caffeine has it: what leaves a small LRU window takes the place
 * of those that would have to go if it was asked for more often lately than they were.
 */
export class TinyLfu implements Cache {
  readonly #bytesMax: number;
  readonly #nodes = new Map<number, { readonly at: Node; queue: Queue }>();
  readonly #window = new Queue();
  readonly #probation = new Queue();
  readonly #protected = new Queue();
  readonly #counts = new Uint8Array(4 * COUNTERS);
  #counted = 0;

  constructor(bytesMax: number) {
    this.#bytesMax = bytesMax;
  }

  request(object: number, bytes: number): boolean {
    this.#count(object);
    const known = this.#nodes.get(object);
    if (known !== undefined) {
      this.#use(known);
      return true;
    }
    const at = node(object, bytes);
    this.#window.push(at);
    this.#nodes.set(object, { at, queue: this.#window });
    while (this.#window.bytes > WINDOW_SHARE * this.#bytesMax) {
      const candidate = this.#window.oldest;
      if (candidate === undefined) break;
      this.#admit(candidate);
    }
    return false;
  }

  #use(known: { readonly at: Node; queue: Queue }): void {
    this.#move(known, known.queue === this.#window ? this.#window : this.#protected);
    while (this.#protected.bytes > PROTECTED_SHARE * (1 - WINDOW_SHARE) * this.#bytesMax) {
      const { oldest } = this.#protected;
      const entry = oldest === undefined ? undefined : this.#nodes.get(oldest.object);
      if (entry === undefined) break;
      this.#move(entry, this.#probation);
    }
  }

  #move(entry: { readonly at: Node; queue: Queue }, queue: Queue): void {
    entry.queue.remove(entry.at);
    entry.queue = queue;
    queue.push(entry.at);
  }

  /** It has to be asked for more often than all together of those that it is to replace. */
  #admit(candidate: Node): void {
    this.#window.remove(candidate);
    this.#nodes.delete(candidate.object);
    const roomBytes = (1 - WINDOW_SHARE) * this.#bytesMax - candidate.bytes;
    const victims: Node[] = [];
    let frequency = 0;
    let bytes = this.#probation.bytes + this.#protected.bytes;
    let victim = this.#probation.oldest ?? this.#protected.oldest;
    while (bytes > roomBytes && victim !== undefined) {
      victims.push(victim);
      frequency += this.#frequency(victim.object);
      bytes -= victim.bytes;
      const isLastOnProbation = victim.newer === undefined && this.#isOnProbation(victim);
      victim = isLastOnProbation ? this.#protected.oldest : victim.newer;
    }
    if (bytes > roomBytes || this.#frequency(candidate.object) <= frequency) {
      if (victims.length > 0 || bytes > roomBytes) return;
    }
    for (const gone of victims) {
      this.#nodes.get(gone.object)?.queue.remove(gone);
      this.#nodes.delete(gone.object);
    }
    this.#nodes.set(candidate.object, { at: candidate, queue: this.#probation });
    this.#probation.push(candidate);
  }

  #isOnProbation({ object }: Node): boolean {
    return this.#nodes.get(object)?.queue === this.#probation;
  }

  #count(object: number): void {
    for (let row = 0; row < 4; row += 1) {
      const at = place(object, row);
      const count = this.#counts[at] ?? 0;
      if (count < USES_MAX) this.#counts[at] = count + 1;
    }
    this.#counted += 1;
    if (this.#counted < 10 * (this.#nodes.size + 1_000)) return;
    this.#counted = 0;
    for (let i = 0; i < this.#counts.length; i += 1) this.#counts[i] = (this.#counts[i] ?? 0) >> 1;
  }

  #frequency(object: number): number {
    let least = USES_MAX;
    for (let row = 0; row < 4; row += 1) {
      least = Math.min(least, this.#counts[place(object, row)] ?? 0);
    }
    return least;
  }
}

function place(object: number, row: number): number {
  let hash = Math.imul(object + 1, 0x9e3779b1 + 2 * row * 0x632be5ab);
  hash = Math.imul(hash ^ (hash >>> 15), 0x2c1b3c6d);
  return row * COUNTERS + (((hash ^ (hash >>> 13)) >>> 0) % COUNTERS);
}
