import { isIP } from "node:net";
import { Agent, request } from "undici";
import { isForbiddenAddress } from "#edge/origin/forbidden-address.ts";
import { permittedLookup } from "#edge/origin/permitted-lookup.ts";
import type { Post } from "#registry/webhook-sender.ts";

/** For all of a delivery, to the last octet of the answer: a receiver that trickles holds up others. */
const TIMEOUT_MS = 10_000;

/** Where webhooks are sent to, and for how long. */
export interface WebhookPostTerms {
  /** Whether addresses of this machine and its surroundings will do. */
  readonly anyAddress: boolean;
  readonly timeoutMs?: number;
}

/** Sends to receivers of webhooks, beyond this machine only where it serves strangers. */
export class WebhookPost implements AsyncDisposable {
  readonly #anyAddress: boolean;
  readonly #timeoutMs: number;
  readonly #agent: Agent;

  constructor({ anyAddress, timeoutMs = TIMEOUT_MS }: WebhookPostTerms) {
    this.#anyAddress = anyAddress;
    this.#timeoutMs = timeoutMs;
    this.#agent = new Agent({
      connect: anyAddress ? {} : { lookup: permittedLookup(forbidden) },
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
      signal: AbortSignal.any([signal, AbortSignal.timeout(this.#timeoutMs)]),
    });
    // What it says besides is read for as long as there is time, so that the connection can be kept.
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
