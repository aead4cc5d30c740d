import { randomBytes } from "node:crypto";
import { TICKET_KEYS_LIFETIME_MS } from "#limits.ts";

/** Of Node's `setTicketKeys`: a name, a key to sign with and one to encrypt with. */
const BYTES = 48;

/**
 * The keys that all workers seal session tickets under: kept nowhere, and replaced before they are
 * old, so that what was recorded stays sealed.
 */
export class TicketKeys implements Disposable {
  #current: Uint8Array = randomBytes(BYTES);
  readonly #timer: NodeJS.Timeout;

  /** `replaced` is called with each new set. */
  constructor(replaced: (keys: Uint8Array) => void, lifetimeMs = TICKET_KEYS_LIFETIME_MS) {
    this.#timer = setInterval(() => {
      this.#current = randomBytes(BYTES);
      replaced(this.#current);
    }, lifetimeMs);
  }

  get current(): Uint8Array {
    return this.#current;
  }

  [Symbol.dispose](): void {
    clearInterval(this.#timer);
  }
}
