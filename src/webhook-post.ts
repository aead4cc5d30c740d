import { type LookupAddress, lookup } from "node:dns";
import { isIP, type LookupFunction } from "node:net";
import { Agent, request } from "undici";
import { isForbiddenAddress } from "#edge/origin/forbidden-address.ts";
import type { Post } from "#registry/webhook-sender.ts";

/** A receiver has this long to take a connection, and then to answer. */
const TIMEOUT_MS = 10_000;

/** Sends to receivers of webhooks, beyond this machine only where it serves strangers. */
export class WebhookPost implements AsyncDisposable {
  readonly #anyAddress: boolean;
  readonly #agent: Agent;

  constructor(anyAddress: boolean) {
    this.#anyAddress = anyAddress;
    this.#agent = new Agent({
      connect: { timeout: TIMEOUT_MS, ...(anyAddress ? {} : { lookup: permittedLookup }) },
      headersTimeout: TIMEOUT_MS,
      bodyTimeout: TIMEOUT_MS,
    });
  }

  /** @returns the status; a redirect is one, and is not followed */
  async send({ url, text, fields }: Post, signal: AbortSignal): Promise<number> {
    const host = new URL(url).hostname.replace(/^\[|\]$/g, "");
    // An address by itself is not looked up.
    if (!this.#anyAddress && isIP(host) !== 0 && isForbiddenAddress(host)) throw forbidden(host);
    const { statusCode, body } = await request(url, {
      method: "POST",
      body: text,
      headers: fields,
      dispatcher: this.#agent,
      signal,
    });
    await body.dump();
    return statusCode;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#agent.destroy();
  }
}

function forbidden(host: string): Error {
  return new Error(`${host} is an address that webhooks are not sent to`);
}

/** The address that was judged is the one that is used (DNS rebinding). */
const permittedLookup: LookupFunction = (hostname, options, callback) => {
  lookup(hostname, { ...options, all: true }, (error, addresses: LookupAddress[]) => {
    if (error !== null) return callback(error, []);
    const permitted = addresses.filter(({ address }) => !isForbiddenAddress(address));
    const [first] = permitted;
    if (first === undefined) return callback(forbidden(hostname), []);
    if (options.all === true) callback(null, permitted);
    else callback(null, first.address, first.family);
  });
};
