/**
 * What was made lately, each thing found by the number that it was given: so many, and the oldest is
 * forgotten first. Who can make a thing again at some cost keeps a number of it instead of the thing.
 */
export class Recent<T> {
  readonly #things: (T | undefined)[];
  #last = 0;

  constructor(sizeMax: number) {
    this.#things = Array.from({ length: sizeMax }, () => undefined);
  }

  /** Keeps a thing, and answers its number; 0 is never one. */
  keep(thing: T): number {
    this.#last += 1;
    this.#things[this.#last % this.#things.length] = thing;
    return this.#last;
  }

  /** Undefined: it was forgotten, or never was. */
  find(number: number): T | undefined {
    const isKept = number > this.#last - this.#things.length;
    return isKept ? this.#things[number % this.#things.length] : undefined;
  }
}
