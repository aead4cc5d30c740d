import { once } from "node:events";
import { request as requestHttp } from "node:http";
import { connect as connectH2 } from "node:http2";
import { request as requestHttps } from "node:https";
import type { TLSSocket } from "node:tls";
import { type Case, objectPath } from "./case.ts";
import { type Certificate, CIPHER } from "./certificate.ts";
import type { Server } from "./server.ts";

interface Reply {
  readonly status: number;
  readonly bytes: number;
}

const TIMEOUT_MS = 10_000;

/**
 * Asks for each object twice: a cache then has them, and knows that they are asked for again.
 * @throws Error if the server has no such protocol, or answers wrongly.
 */
export async function warm(
  server: Server,
  of: Case,
  { certificate, objects }: { readonly certificate: Certificate; readonly objects: number },
): Promise<void> {
  for (let turn = 0; turn < 2; turn += 1) {
    for (let number = 0; number < objects; number += 1) {
      await ask(server, of, { path: objectPath(of.size, number), certificate });
    }
  }
}

/**
 * Asks for one object, over a connection of its own.
 * @throws Error if the answer is not what the origin has
 */
export async function ask(server: Server, of: Case, target: Target): Promise<void> {
  const { status, bytes } = await get(server, of, target);
  if (status === 200 && bytes === of.size.bytes) return;
  throw new Error(`it answers ${target.path} with ${status} and ${bytes} bytes`);
}

interface Target {
  readonly path: string;
  readonly certificate: Certificate;
}

function get(server: Server, of: Case, { path, certificate }: Target): Promise<Reply> {
  const tls = { ca: certificate.pem, minVersion: "TLSv1.3", ciphers: CIPHER } as const;
  const signal = AbortSignal.timeout(TIMEOUT_MS);
  if (of.protocol === "h2") return getOverH2(server, path, { tls, signal });
  const plain = of.protocol === "http1";
  const port = plain ? server.port : server.tlsPort;
  const target = { host: "127.0.0.1", port, path, agent: false, signal };
  return replyOf(plain ? requestHttp(target) : requestHttps({ ...target, ...tls }));
}

async function replyOf(request: ReturnType<typeof requestHttp>): Promise<Reply> {
  request.end();
  const [response] = (await once(request, "response")) as [
    AsyncIterable<Buffer> & { readonly statusCode?: number; readonly socket: TLSSocket },
  ];
  const { encrypted } = response.socket;
  if (encrypted) assertCipher(response.socket);
  return { status: response.statusCode ?? 0, bytes: await lengthOf(response) };
}

async function getOverH2(
  server: Server,
  path: string,
  { tls, signal }: { readonly tls: object; readonly signal: AbortSignal },
): Promise<Reply> {
  const session = connectH2(`https://127.0.0.1:${server.tlsPort}`, tls);
  try {
    await once(session, "connect", { signal });
    assertCipher(session.socket as TLSSocket);
    const stream = session.request({ ":path": path }, { signal });
    const [head] = (await once(stream, "response", { signal })) as [{ ":status"?: number }];
    return { status: head[":status"] ?? 0, bytes: await lengthOf(stream) };
  } finally {
    session.destroy();
  }
}

function assertCipher(socket: TLSSocket): void {
  const { standardName } = socket.getCipher();
  const version = socket.getProtocol();
  if (standardName === CIPHER && version === "TLSv1.3") return;
  throw new Error(`it negotiated ${version ?? "no TLS"} and ${standardName}`);
}

async function lengthOf(body: AsyncIterable<Buffer>): Promise<number> {
  let bytes = 0;
  for await (const chunk of body) bytes += chunk.length;
  return bytes;
}
