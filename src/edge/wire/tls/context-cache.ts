import type { KeptCertificate } from "./certificate-directory.ts";
import {
  type HandshakeEvents,
  releaseContext,
  type TlsContext,
  tlsContext,
} from "./tls-context.ts";

/**
 * Contexts, made when their certificates are first shown. At most `max` are kept; the one that was
 * shown least recently goes first, and lives on as long as its connections.
 */
export class ContextCache {
  readonly #events: HandshakeEvents;
  readonly #max: number;
  /** By certificate, the one shown last at the end. One that is renewed is another certificate. */
  readonly #contexts = new Map<KeptCertificate, TlsContext>();
  /** The certificate that has an id in the cache. */
  readonly #byId = new Map<string, KeptCertificate>();
  #ticketKeys: Buffer | undefined;

  constructor(events: HandshakeEvents, max: number) {
    this.#events = events;
    this.#max = max;
  }

  get size(): number {
    return this.#contexts.size;
  }

  /** Tickets are sealed under these keys from now on; what was given before has ended. */
  useTicketKeys(keys: Uint8Array): void {
    this.#ticketKeys = Buffer.from(keys);
    for (const { server } of this.#contexts.values()) server.setTicketKeys(this.#ticketKeys);
  }

  /** @throws Error when OpenSSL does not take the certificate */
  contextOf(certificate: KeptCertificate): TlsContext {
    const known = this.#contexts.get(certificate);
    if (known !== undefined) {
      this.#contexts.delete(certificate);
      this.#contexts.set(certificate, known);
      return known;
    }
    const context = tlsContext(certificate, this.#ticketKeys, this.#events);
    const replaced = this.#byId.get(certificate.id);
    if (replaced !== undefined) this.#drop(replaced);
    this.#contexts.set(certificate, context);
    this.#byId.set(certificate.id, certificate);
    if (this.#contexts.size > this.#max) this.#dropOldest();
    return context;
  }

  #dropOldest(): void {
    for (const oldest of this.#contexts.keys()) {
      this.#drop(oldest);
      return;
    }
  }

  #drop(certificate: KeptCertificate): void {
    const context = this.#contexts.get(certificate);
    if (context !== undefined) releaseContext(context);
    this.#contexts.delete(certificate);
    this.#byId.delete(certificate.id);
  }
}
