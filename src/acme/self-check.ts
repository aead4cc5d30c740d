import { connect, type TLSSocket } from "node:tls";
import { acmeIdentifier } from "./key-authorization.ts";

/** As a CA connects (RFC 8737 §3). */
export interface TlsAlpnCheck {
  readonly address: string;
  /** 443, but in tests. */
  readonly port: number;
  readonly name: string;
  readonly keyAuthorization: string;
}

const ACME_TLS = "acme-tls/1";
const TIMEOUT_MS = 5_000;

/**
 * Why a CA would not see a challenge's certificate there, if that is certain. Where nobody answers, or
 * a handshake fails, it may be that only we are not let through: then nothing is said.
 */
export async function tlsAlpnFault(check: TlsAlpnCheck): Promise<string | undefined> {
  const { address, name, keyAuthorization } = check;
  const socket = await shaken(check);
  if (socket === undefined) return undefined;
  const { alpnProtocol } = socket;
  const raw = socket.getPeerX509Certificate()?.raw;
  socket.destroy();
  if (alpnProtocol === ACME_TLS && raw?.includes(acmeIdentifier(keyAuthorization)) === true) {
    return undefined;
  }
  return `${name} leads to ${address}, where something else answers on port ${check.port}`;
}

function shaken({ address, port, name }: TlsAlpnCheck): Promise<TLSSocket | undefined> {
  const { promise, resolve } = Promise.withResolvers<TLSSocket | undefined>();
  const socket = connect({
    host: address,
    port,
    servername: name,
    ALPNProtocols: [ACME_TLS],
    // RFC 8737 §3: it is signed by nobody, and what it proves is in it.
    rejectUnauthorized: false,
    timeout: TIMEOUT_MS,
  });
  socket.on("secureConnect", () => resolve(socket));
  socket.on("error", () => resolve(undefined));
  socket.on("timeout", () => socket.destroy());
  socket.on("close", () => resolve(undefined));
  return promise;
}
