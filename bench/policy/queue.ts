/** An object in a queue. */
export interface Node {
  readonly object: number;
  readonly bytes: number;
  uses: number;
  newer: Node | undefined;
  older: Node | undefined;
}

export function node(object: number, bytes: number): Node {
  return { object, bytes, uses: 0, newer: undefined, older: undefined };
}

/** Objects in the order in which they came, the oldest of which is at hand. */
export class Queue {
  oldest: Node | undefined;
  #newest: Node | undefined;
  bytes = 0;
  size = 0;

  push(added: Node): void {
    added.older = this.#newest;
    added.newer = undefined;
    if (this.#newest === undefined) this.oldest = added;
    else this.#newest.newer = added;
    this.#newest = added;
    this.bytes += added.bytes;
    this.size += 1;
  }

  remove(gone: Node): void {
    if (gone.newer === undefined) this.#newest = gone.older;
    else gone.newer.older = gone.older;
    if (gone.older === undefined) this.oldest = gone.newer;
    else gone.older.newer = gone.newer;
    this.bytes -= gone.bytes;
    this.size -= 1;
  }
}
