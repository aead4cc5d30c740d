import type { Socket } from "node:net";
import type { Server, TLSSocket } from "node:tls";
import type { Logger } from "#log.ts";
import type { ChallengeDirectory } from "../../challenges/challenge-directory.ts";
import { TlsChallenges } from "../../challenges/tls-challenges.ts";
import type { TlsTerms } from "../../exchange.ts";
import { FIRST_OCTETS_MAX, TLS_CONTEXTS_MAX } from "../../limits.ts";
import { readFirstOctets } from "../first-octets.ts";
import { type AlertName, fatalAlert } from "./alert.ts";
import type { CertificateDirectory, KeptCertificate } from "./certificate-directory.ts";
import { type ParsedClientHello, parseClientHello } from "./client-hello.ts";
import { ContextCache } from "./context-cache.ts";
import { CertificateTerms } from "./terms.ts";
import type { TlsContext } from "./tls-context.ts";

/**
 * Told once of each connection what came of it, but of one that is destroyed from outside, and of a
 * CA's that has seen what it came for.
 */
export interface Admission {
  secured(socket: TLSSocket, tcp: Socket, terms: TlsTerms): void;
  /** It is ended; the reason is one of few. */
  failed(tcp: Socket, reason: string): void;
}

/** What is shown for a name: to a CA that validates it, and to all others. */
interface ShownCertificates {
  readonly certificates: CertificateDirectory;
  readonly challenges: ChallengeDirectory;
}

/**
 * Where TLS connections come in. The ClientHello is read first, and the certificate chosen by the
 * name in it, before OpenSSL has anything to do (ADR 8): so a name that nobody has costs next to
 * nothing, each session belongs to one certificate, and what was shown is known when it is resumed.
 */
export class TlsDoor {
  readonly #shown: ShownCertificates;
  readonly #challenges: TlsChallenges;
  readonly #log: Logger;
  readonly #contexts: ContextCache;
  /** Certificates that OpenSSL did not take: each is complained of once. */
  readonly #unusable = new WeakSet<KeptCertificate>();
  #admission: Admission | undefined;

  constructor(shown: ShownCertificates, log: Logger) {
    this.#shown = shown;
    this.#log = log;
    this.#challenges = new TlsChallenges((socket, error) => this.#failed(socket, error));
    this.#contexts = new ContextCache(
      {
        secured: (socket, context) => this.#secured(socket, context),
        failed: (socket, error) => this.#failed(socket, error),
      },
      TLS_CONTEXTS_MAX,
    );
  }

  /** Whom to tell. Before the first connection. */
  admitTo(admission: Admission): void {
    this.#admission = admission;
  }

  useTicketKeys(keys: Uint8Array): void {
    this.#contexts.useTicketKeys(keys);
  }

  /** Takes in a connection that has just been accepted. */
  accept(tcp: Socket): void {
    readFirstOctets(tcp, recognise, (hello, received) => {
      const server = this.#serverFor(hello);
      if (typeof server === "string") {
        this.#admission?.failed(tcp, server);
        tcp.end(fatalAlert(server));
        tcp.destroySoon();
        return;
      }
      tcp.unshift(received);
      // The TLS socket takes it over: a client that ends in the middle of its handshake is gone, while
      // later it may only have ended its requests.
      tcp.allowHalfOpen = false;
      server.emit("connection", tcp);
    });
  }

  #serverFor(hello: Recognised): Server | AlertName {
    if (hello.kind === "malformed") return "decode_error";
    const { certificates, challenges } = this.#shown;
    if (hello.isValidation && hello.serverName !== undefined) {
      const challenge = challenges.certificate(hello.serverName);
      if (challenge !== undefined) {
        return this.#usable(challenge, () => this.#challenges.serverOf(challenge));
      }
    }
    const certificate = certificates.find(hello.serverName);
    if (certificate !== undefined) {
      return this.#usable(certificate, () => this.#contexts.contextOf(certificate).server);
    }
    // RFC 6066 §3; RFC 8446 §9.2: the alert to a client that a name is asked of and that gives none.
    return hello.serverName === undefined ? "missing_extension" : "unrecognized_name";
  }

  #usable(certificate: KeptCertificate, serverOf: () => Server): Server | AlertName {
    try {
      return serverOf();
    } catch (error) {
      if (!this.#unusable.has(certificate)) {
        this.#unusable.add(certificate);
        const { id, names } = certificate;
        this.#log.error({ err: error, certificate_id: id, names }, "certificate cannot be used");
      }
      return "internal_error";
    }
  }

  #secured(socket: TLSSocket, { names }: TlsContext): void {
    const terms = new CertificateTerms(socket.getProtocol() ?? "", names);
    socket.allowHalfOpen = true;
    this.#admission?.secured(socket, tcpOf(socket), terms);
  }

  #failed(socket: TLSSocket, error: NodeJS.ErrnoException): void {
    this.#admission?.failed(tcpOf(socket), error.code ?? error.name);
    // Node leaves that to whoever hears of it.
    socket.destroy();
  }
}

type Recognised = Exclude<ParsedClientHello, { readonly kind: "incomplete" }>;

function recognise(received: Buffer): Recognised | undefined {
  const parsed = parseClientHello(received);
  if (parsed.kind !== "incomplete") return parsed;
  return received.length > FIRST_OCTETS_MAX ? { kind: "malformed" } : undefined;
}

/** The connection below: Node has no other name for it. */
function tcpOf(socket: TLSSocket): Socket {
  return (socket as TLSSocket & { readonly _parent?: Socket })._parent ?? socket;
}
