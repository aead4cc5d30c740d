import { randomBytes } from "node:crypto";

/** `00` to `ff`. */
const OCTETS = Array.from({ length: 256 }, (_, octet) => octet.toString(16).padStart(2, "0"));

/**
 * Ids of requests: told apart over all workers and restarts, and no secret. A UUID of version 8 (RFC
 * 9562 §5.8) of 72 random bits, drawn once, and a count: one is made for each hit.
 */
export class RequestIds {
  readonly #prefix: string;
  /** All but the last two digits. */
  #begun = "";
  #count = 0;

  constructor(random: Buffer = randomBytes(10)) {
    const hex = random.toString("hex");
    this.#prefix = `${hex.slice(0, 8)}-${hex.slice(8, 12)}-8${hex.slice(12, 15)}-8${hex.slice(15, 18)}-`;
  }

  next(): string {
    const last = this.#count % OCTETS.length;
    if (last === 0) {
      const begun = Math.floor(this.#count / OCTETS.length);
      this.#begun = this.#prefix + begun.toString(16).padStart(10, "0");
    }
    this.#count += 1;
    return this.#begun + OCTETS[last];
  }
}
