import assert from "node:assert/strict";
import { X509Certificate } from "node:crypto";
import { once } from "node:events";
import { mkdtemp, rm } from "node:fs/promises";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { text } from "node:stream/consumers";
import { after } from "node:test";
import { type ConnectionOptions, connect } from "node:tls";
import { systemClock } from "#clock.ts";
import type { EdgeCertificate } from "#feed/entry.ts";
import { openLocalCa } from "#x509/local-ca.ts";
import { memoryCaStore } from "../../../support/ca-store.ts";

const root = await mkdtemp(join(tmpdir(), "atoll-tls-"));
after(() => rm(root, { recursive: true }));
const ca = await openLocalCa(join(root, "ca"), memoryCaStore(), systemClock);
export const { caPem } = ca;

/** A certificate of the CA that `caPem` is of. */
export async function certificateFor(
  id: string,
  ...names: readonly string[]
): Promise<EdgeCertificate> {
  const leaf = await ca.newLeaf(names, undefined);
  if (leaf === undefined) throw new Error("The CA made no leaf");
  const { cert, key, notAfter } = leaf;
  return { id, names, certPem: cert, keyPem: key, notAfter: notAfter.getTime() };
}

export function fingerprintOf({ certPem }: EdgeCertificate): string {
  return new X509Certificate(certPem).fingerprint256;
}

/** What a client has of a connection. */
export interface Shaken {
  /** Of the certificate that was shown. */
  readonly fingerprint: string | undefined;
  readonly protocol: string | null;
  readonly alpn: string | false | null;
  readonly cipher: string;
  readonly resumed: boolean;
  /** To resume with. */
  readonly session: Buffer;
  /** What the server answered. */
  readonly reply: string;
}

/**
 * A handshake, one request and its answer, trusting `caPem` alone.
 * @throws Error with what the client has to say
 */
export async function shake(port: number, options: ConnectionOptions = {}): Promise<Shaken> {
  const socket = connect({
    port,
    host: "127.0.0.1",
    ca: caPem,
    ALPNProtocols: ["http/1.1"],
    ...options,
  });
  try {
    let session = Buffer.alloc(0);
    socket.on("session", (latest: Buffer) => {
      session = Buffer.from(latest);
    });
    await once(socket, "secureConnect");
    const shaken = {
      fingerprint: socket.getPeerX509Certificate()?.fingerprint256,
      protocol: socket.getProtocol(),
      alpn: socket.alpnProtocol,
      cipher: socket.getCipher().standardName,
      resumed: socket.isSessionReused(),
    };
    const host = options.servername ?? "127.0.0.1";
    socket.write(`GET /a HTTP/1.1\r\nhost: ${host}\r\nconnection: close\r\n\r\n`);
    const reply = await text(socket);
    return { ...shaken, session, reply };
  } finally {
    socket.destroy();
  }
}

/** How a handshake fails: what the client says of it. */
export async function refusal(port: number, options: ConnectionOptions = {}): Promise<string> {
  try {
    await shake(port, options);
  } catch (error) {
    return (error as NodeJS.ErrnoException).code ?? String(error);
  }
  throw new Error("The handshake was made");
}

/** A session without the name that Node's client keeps beside it: it offers it to anybody then. */
export function unnamed(session: Buffer): Buffer {
  const prefix = "\0nodejs:tls:session:1\0".length;
  return session.subarray(prefix + 2 + session.readUInt16BE(prefix));
}

/** What Node's own client says first. */
export async function helloOf(options: ConnectionOptions): Promise<Buffer> {
  const server = createServer().listen(0, "127.0.0.1");
  await once(server, "listening");
  const address = server.address();
  assert(address !== null && typeof address === "object");
  const client = connect({ port: address.port, host: "127.0.0.1", ...options });
  client.on("error", () => undefined);
  const [socket] = await once(server, "connection");
  const [hello] = (await once(socket, "data")) as [Buffer];
  client.destroy();
  server.close();
  return hello;
}
