import type { Client, Exchange } from "./exchange.ts";
import type { Reply } from "./reply.ts";
import type { Visit } from "./visit.ts";

/**
 * A request that waits for a fetch, until it waits no more. On a connection of HTTP/1.1 the exchange of
 * the next request is the same: what a fetch goes on to say after the reply is not for that one.
 */
export class Attendance implements Exchange {
  readonly client: Client;
  /** What others may be answered by is asked for without. */
  readonly content = undefined;
  #exchange: Exchange | undefined;

  constructor(exchange: Exchange) {
    this.client = exchange.client;
    this.#exchange = exchange;
  }

  get left(): boolean {
    return this.#exchange?.left ?? true;
  }

  whenLeft(callback: () => void): void {
    this.#exchange?.whenLeft(callback);
  }

  inform(status: number, fields: readonly string[]): void {
    this.#exchange?.inform(status, fields);
  }

  respond(reply: Reply): void {
    this.#exchange?.respond(reply);
  }

  /** It has its reply, or will have it from elsewhere. */
  end(): void {
    this.#exchange = undefined;
  }
}

/** The same request as one that waits for nothing: what it asks for is for others. */
export function unattended(visit: Visit): Visit {
  const exchange = new Attendance(visit.exchange);
  exchange.end();
  return { ...visit, exchange };
}
