import type { Client, Exchange, TlsTerms } from "../exchange.ts";
import type { Reply } from "../reply.ts";
import type { FetchQuestion } from "./question.ts";

/** It was over TLS that the client came, to the worker that asks: what matters of it is that alone. */
const TLS: TlsTerms = { version: "TLSv1.3", covers: () => true };

/** A sibling's exchange, as one with the client for whom it asks. */
export class AskedExchange implements Exchange {
  readonly client: Client;
  readonly content = undefined;
  readonly #exchange: Exchange;
  #isAnswered = false;

  constructor(exchange: Exchange, { address, isTls }: FetchQuestion["client"]) {
    this.client = isTls ? { address, tls: TLS } : { address };
    this.#exchange = exchange;
  }

  get isAnswered(): boolean {
    return this.#isAnswered;
  }

  get left(): boolean {
    return this.#exchange.left;
  }

  whenLeft(callback: () => void): void {
    this.#exchange.whenLeft(callback);
  }

  inform(status: number, fields: readonly string[]): void {
    this.#exchange.inform(status, fields);
  }

  respond(reply: Reply): void {
    this.#isAnswered = true;
    this.#exchange.respond(reply);
  }
}
