import { constants, createHash } from "node:crypto";
import { createServer, type SecureContext, type Server, type TLSSocket } from "node:tls";
import { TICKET_KEYS_LIFETIME_MS } from "#limits.ts";
import { HANDSHAKE_TIMEOUT_MS } from "../../limits.ts";
import type { KeptCertificate } from "./certificate-directory.ts";

/** A certificate as OpenSSL holds it, and what makes handshakes with it. */
export interface TlsContext {
  readonly names: ReadonlySet<string>;
  /** Listens nowhere: it is handed connections by its "connection" event, as Node documents. */
  readonly server: Server;
}

/** What comes of handshakes. */
export interface HandshakeEvents {
  secured(socket: TLSSocket, context: TlsContext): void;
  failed(socket: TLSSocket, error: NodeJS.ErrnoException): void;
}

const CIPHERS = [
  // The fastest where the processor has AES; the others are not safer.
  "TLS_AES_128_GCM_SHA256",
  "TLS_CHACHA20_POLY1305_SHA256",
  "TLS_AES_256_GCM_SHA384",
  // TLS 1.2: ephemeral and AEAD only, which leaves none that RFC 9113 appendix A forbids.
  "ECDHE-ECDSA-AES128-GCM-SHA256",
  "ECDHE-RSA-AES128-GCM-SHA256",
  "ECDHE-ECDSA-CHACHA20-POLY1305",
  "ECDHE-RSA-CHACHA20-POLY1305",
  "ECDHE-ECDSA-AES256-GCM-SHA384",
  "ECDHE-RSA-AES256-GCM-SHA384",
].join(":");

const SECURE_OPTIONS =
  constants.SSL_OP_CIPHER_SERVER_PREFERENCE |
  // A client that prefers ChaCha20 has no AES in its processor.
  constants.SSL_OP_PRIORITIZE_CHACHA |
  // RFC 9113 §9.2.1 forbids it, and over HTTP/1.1 it is only ever an attack.
  constants.SSL_OP_NO_RENEGOTIATION;

/** RFC 7301 §3.2: in our order. Who offers neither is refused with no_application_protocol. */
const PROTOCOLS = ["h2", "http/1.1"];

const SESSION_ID_CONTEXT_BYTES = 32;

/** @throws Error when OpenSSL does not take the certificate */
export function tlsContext(
  certificate: KeptCertificate,
  ticketKeys: Buffer | undefined,
  events: HandshakeEvents,
): TlsContext {
  const server = createServer({
    key: certificate.keyPem,
    cert: certificate.certPem,
    minVersion: "TLSv1.2",
    ciphers: CIPHERS,
    secureOptions: SECURE_OPTIONS,
    ALPNProtocols: PROTOCOLS,
    handshakeTimeout: HANDSHAKE_TIMEOUT_MS,
    sessionIdContext: sessionIdContext(certificate),
    sessionTimeout: TICKET_KEYS_LIFETIME_MS / 1_000,
    ...(ticketKeys === undefined ? {} : { ticketKeys }),
  });
  const context: TlsContext = { names: new Set(certificate.names), server };
  server.on("secureConnection", (socket) => events.secured(socket, context));
  server.on("tlsClientError", (error, socket) => events.failed(socket, error));
  return context;
}

/**
 * Gives OpenSSL's memory back, some 40 KiB: V8 does not see it, so of many contexts whose turn is over it
 * would pile up. Handshakes and connections have a share of their own in it until they end.
 */
export function releaseContext({ server }: TlsContext): void {
  // Node has no public name for it: `setSecureContext` makes another one, and leaves this one to V8. By
  // then it may be called something else, and is freed by V8 as well, only later.
  const { _sharedCreds: own } = server as Server & { readonly _sharedCreds?: SecureContext };
  (own?.context as { close?(): void } | undefined)?.close?.();
}

/**
 * A session goes on only where its certificate would be shown again: tickets of all certificates are
 * under the same keys, and what a connection was authenticated for must not change on the way
 * (RFC 6066 §3, RFC 8446 §4.6.1).
 */
function sessionIdContext({ id, names }: KeptCertificate): string {
  const text = JSON.stringify([id, ...names]);
  return createHash("sha256").update(text).digest("hex").slice(0, SESSION_ID_CONTEXT_BYTES);
}
