import { NONCE_LENGTH_MAX, NONCES_MAX } from "./limits.ts";

/** RFC 8555 §6.5: what the CA gave out and nobody has used. The newest is the one still good. */
export class Nonces {
  #kept: string[] = [];

  take(): string | undefined {
    return this.#kept.pop();
  }

  /** §6.5.1: one that is not base64url is ignored. */
  put(nonce: string | null): void {
    if (nonce === null || nonce.length > NONCE_LENGTH_MAX || !/^[\w-]+$/.test(nonce)) return;
    this.#kept.push(nonce);
    if (this.#kept.length > NONCES_MAX) this.#kept.shift();
  }
}
