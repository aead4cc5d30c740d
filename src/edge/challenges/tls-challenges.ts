import { constants } from "node:crypto";
import { createServer, type Server, type TLSSocket } from "node:tls";
import type { EdgeCertificate } from "#feed/entry.ts";
import { HANDSHAKE_TIMEOUT_MS } from "../limits.ts";

/** RFC 8737 §6.2. */
const ACME_TLS = "acme-tls/1";

/** Told of a CA's handshake that came to nothing. */
type Failed = (socket: TLSSocket, error: NodeJS.ErrnoException) => void;

/**
 * Handshakes of CAs that look for a challenge's certificate (RFC 8737): they see it, and nothing else
 * is ever said on such a connection.
 */
export class TlsChallenges {
  readonly #failed: Failed;
  /** For as long as the challenge is answered. */
  readonly #servers = new WeakMap<EdgeCertificate, Server>();

  constructor(failed: Failed) {
    this.#failed = failed;
  }

  /**
   * What makes handshakes with a challenge's certificate: it is handed connections, and listens nowhere.
   * @throws Error when OpenSSL does not take the certificate
   */
  serverOf(certificate: EdgeCertificate): Server {
    const known = this.#servers.get(certificate);
    if (known !== undefined) return known;
    const server = createServer({
      key: certificate.keyPem,
      cert: certificate.certPem,
      // RFC 8737 §3: 1.2 or higher.
      minVersion: "TLSv1.2",
      ALPNProtocols: [ACME_TLS],
      secureOptions: constants.SSL_OP_NO_RENEGOTIATION,
      handshakeTimeout: HANDSHAKE_TIMEOUT_MS,
    });
    // RFC 8737 §3: the connection is closed once the handshake is complete.
    server.on("secureConnection", (socket) => {
      socket.on("error", ignore);
      socket.destroySoon();
    });
    server.on("tlsClientError", (error, socket) => this.#failed(socket, error));
    this.#servers.set(certificate, server);
    return server;
  }
}

function ignore(): void {
  // The peer need not wait for our end of it.
}
