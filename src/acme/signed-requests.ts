import type { CaDirectory } from "./directory.ts";
import type { Asked, Exchange, Reply } from "./exchange.ts";
import { isOfType, notAsExpected } from "./failures.ts";
import { type SignedAs, type SigningKey, signRequest } from "./jws.ts";
import { NONCE_TRIES_MAX } from "./limits.ts";
import { askedAgain } from "./lost-answers.ts";
import type { Nonces } from "./nonces.ts";
import type { Step } from "./refusal.ts";

/** What is asked with a signature. */
export interface SignedAsked {
  readonly step: Step;
  /** Absent: POST-as-GET (RFC 8555 §6.3). */
  readonly payload?: unknown;
  readonly accept?: string;
  readonly bytesMax?: number;
}

/** RFC 8555 §6: every request of an account is a JWS with a nonce that is used once. */
export class SignedRequests {
  readonly #exchange: Exchange;
  readonly #nonces: Nonces;
  readonly #directory: () => Promise<CaDirectory>;

  constructor(exchange: Exchange, nonces: Nonces, directory: () => Promise<CaDirectory>) {
    this.#exchange = exchange;
    this.#nonces = nonces;
    this.#directory = directory;
  }

  /** §6.5: who is refused for the nonce signs again with the one that came with the refusal. */
  async post(url: string, key: SigningKey, as: SignedAs, asked: SignedAsked): Promise<Reply> {
    // What is asked for twice leaves an order behind at most, as it would after a crash.
    return askedAgain(() => this.#post(url, key, as, asked));
  }

  async #post(url: string, key: SigningKey, as: SignedAs, asked: SignedAsked): Promise<Reply> {
    const payload = asked.payload === undefined ? "" : JSON.stringify(asked.payload);
    for (let tries = 1; ; tries += 1) {
      const nonce = this.#nonces.take() ?? (await this.#newNonce());
      const body = await signRequest(key, { url, nonce, as }, payload);
      try {
        return await this.#exchange.send(url, post(asked, body));
      } catch (error) {
        if (!isOfType(error, "badNonce") || tries === NONCE_TRIES_MAX) throw error;
      }
    }
  }

  /** §7.2. */
  async #newNonce(): Promise<string> {
    const { newNonce } = await this.#directory();
    await this.#exchange.send(newNonce, { step: "nonce", method: "HEAD" });
    const nonce = this.#nonces.take();
    if (nonce === undefined) throw notAsExpected("nonce", "there is none in its answer");
    return nonce;
  }
}

function post({ step, accept, bytesMax }: SignedAsked, body: string): Asked {
  const type = { "content-type": "application/jose+json" };
  return {
    step,
    method: "POST",
    fields: accept === undefined ? type : { ...type, accept },
    body,
    ...(bytesMax !== undefined && { bytesMax }),
  };
}
