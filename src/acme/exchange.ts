import { Agent, fetch, type RequestInit, type Response } from "undici";
import type { Clock } from "#clock.ts";
import { VERSION } from "#version.ts";
import { AcmeError } from "./acme.ts";
import { parseCaUrl } from "./directories.ts";
import { cannotReach, refused, tooMuch } from "./failures.ts";
import { EXCHANGE_TIMEOUT_MS, EXCHANGES_AT_ONCE_MAX, JSON_BYTES_MAX } from "./limits.ts";
import { askedAgain } from "./lost-answers.ts";
import type { Nonces } from "./nonces.ts";
import type { Step } from "./refusal.ts";
import { decideHold, parseRetryAfter } from "./retry-after.ts";
import { Turns } from "./turns.ts";

/** RFC 8555 §6.1: both are asked for. */
const FIELDS = { "user-agent": `atoll/${VERSION} (ACME)`, "accept-language": "en" };

export interface ExchangeOptions {
  /** What the CA's own TLS is verified by, in place of the roots that Node brings. PEM */
  readonly caPem: string | undefined;
  readonly clock: Clock;
  readonly signal: AbortSignal;
  readonly nonces: Nonces;
}

export interface Asked {
  readonly step: Step;
  readonly method: "GET" | "HEAD" | "POST";
  readonly fields?: Readonly<Record<string, string>>;
  readonly body?: string;
  readonly bytesMax?: number;
  /** A status that is an answer as well: that there is no such thing. */
  readonly absent?: number;
}

/** A success; everything else is thrown. */
export interface Reply {
  readonly status: number;
  readonly body: string;
  readonly location: string | undefined;
  /** Milliseconds since the epoch. */
  readonly retryAt: number | undefined;
}

/** All that is sent to one CA goes through here: a few at a time, and nothing while it wants none. */
export class Exchange {
  readonly #options: ExchangeOptions;
  readonly #agent: Agent;
  readonly #turns = new Turns(EXCHANGES_AT_ONCE_MAX);
  #held: { readonly until: number; readonly by: AcmeError } | undefined;

  constructor(options: ExchangeOptions) {
    this.#options = options;
    this.#agent = new Agent({
      connections: EXCHANGES_AT_ONCE_MAX,
      allowH2: false,
      ...(options.caPem !== undefined && { connect: { ca: options.caPem } }),
    });
    options.signal.addEventListener("abort", () => void this.#agent.destroy(), { once: true });
  }

  /** @throws AcmeError; the signal's reason once it has been aborted */
  async send(url: string, asked: Asked): Promise<Reply> {
    // With a signature goes a nonce, which may be used up: whoever has signed asks again.
    if (asked.method === "POST") return this.#sendOnce(url, asked);
    return askedAgain(() => this.#sendOnce(url, asked));
  }

  async #sendOnce(url: string, asked: Asked): Promise<Reply> {
    return this.#turns.run(async () => {
      const { signal } = this.#options;
      signal.throwIfAborted();
      this.#throwIfHeld();
      const target = parseCaUrl(url);
      if (target === undefined) throw cannotReach(url, "it is neither https nor on this machine");
      const deadline = AbortSignal.timeout(EXCHANGE_TIMEOUT_MS);
      try {
        return await this.#exchange(target, asked, AbortSignal.any([signal, deadline]));
      } catch (error) {
        signal.throwIfAborted();
        if (deadline.aborted) throw cannotReach(url, "it did not answer in time");
        if (error instanceof AcmeError) throw error;
        throw cannotReach(target.href, error);
      }
    });
  }

  async #exchange(url: URL, asked: Asked, signal: AbortSignal): Promise<Reply> {
    const request: RequestInit = {
      method: asked.method,
      headers: { ...FIELDS, ...asked.fields },
      redirect: "manual",
      dispatcher: this.#agent,
      signal,
    };
    if (asked.body !== undefined) request.body = asked.body;
    const response = await fetch(url, request);
    this.#options.nonces.put(response.headers.get("replay-nonce"));
    const body = await readBody(response, asked.bytesMax ?? JSON_BYTES_MAX, url);
    const { status, headers } = response;
    const now = this.#options.clock.now();
    const times = { "retry-after": headers.get("retry-after"), date: headers.get("date") };
    const retryAt = parseRetryAfter(times, now);
    if (response.ok || status === asked.absent) {
      return { status, body, location: headers.get("location") ?? undefined, retryAt };
    }
    const error = refused(url, { status, body, retryAt, step: asked.step });
    const until = decideHold({ status, step: asked.step, retryAt }, now);
    // Of several that were under way, the longest holds.
    if (until !== undefined && until > (this.#held?.until ?? 0)) this.#held = { until, by: error };
    throw error;
  }

  #throwIfHeld(): void {
    if (this.#held === undefined || this.#options.clock.now() >= this.#held.until) return;
    const { until, by } = this.#held;
    throw new AcmeError(by.message, {
      ...(by.problem !== undefined && { problem: by.problem }),
      permanent: false,
      retryAt: until,
      cause: by,
    });
  }
}

async function readBody(response: Response, bytesMax: number, url: URL): Promise<string> {
  const chunks: Uint8Array[] = [];
  let bytes = 0;
  // Leaving the loop early cancels the rest.
  for await (const chunk of response.body ?? []) {
    bytes += chunk.byteLength;
    if (bytes > bytesMax) throw tooMuch(url, bytesMax);
    chunks.push(chunk);
  }
  return Buffer.concat(chunks).toString("utf8");
}
