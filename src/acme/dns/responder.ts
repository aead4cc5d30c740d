import { createSocket, type Socket as DatagramSocket, type RemoteInfo } from "node:dgram";
import { once } from "node:events";
import { createServer, type Server, type Socket } from "node:net";
import type { Clock } from "#clock.ts";
import { type Address, listen } from "#listen.ts";
import type { Logger } from "#log.ts";
import { unreachable } from "#unreachable.ts";
import { answer, refuseDatagram } from "./answer.ts";
import type { Authority } from "./authority.ts";
import { DatagramRate } from "./datagram-rate.ts";
import { MessageReader } from "./message-reader.ts";
import { QUERY_BYTES_MAX } from "./query.ts";

/** Resolvers have a few connections each, for a moment. */
const CONNECTIONS_MAX = 256;
/** RFC 7766 §6.2.3: a client asks at once, and may ask again. */
const IDLE_TIMEOUT_MS = 10_000;
/** However it is kept busy: there are few, and another one costs little. */
const CONNECTION_TIME_MS = 60_000;
/** Queries in one read: resolvers have a handful under way, and each has its answer in memory. */
const PIPELINED_MAX = 100;
/** A port that is free for one of the two may be taken for the other. */
const PORT_TRIES = 10;

export interface ResponderParts {
  readonly address: Address;
  /** What there is at this moment. */
  readonly authority: () => Authority;
  readonly clock: Clock;
  readonly log: Logger;
}

/** Answers by UDP and TCP. Disposing of it ends both. */
export interface Responder extends AsyncDisposable {
  readonly port: number;
}

/** @throws Error when the port cannot be had */
export async function startResponder(parts: ResponderParts): Promise<Responder> {
  const rate = new DatagramRate(parts.clock);
  const connections = new Set<Socket>();
  const server = createServer((socket) => {
    connections.add(socket);
    socket.on("close", () => connections.delete(socket));
    serveConnection(socket, parts.authority);
  });
  server.maxConnections = CONNECTIONS_MAX;
  const { port, datagrams } = await bindBoth(server, parts.address);
  datagrams.on("message", (message, from) => {
    const reply = answerDatagram(message, from, { rate, authority: parts.authority });
    // Nobody waits for a datagram that could not be sent.
    if (reply !== undefined) datagrams.send(reply, from.port, from.address, ignore);
  });
  datagrams.on("error", (error) => parts.log.warn({ err: error }, "DNS responder in trouble"));
  return {
    port,
    [Symbol.asyncDispose]: async () => {
      for (const socket of connections) socket.destroy();
      const closed = once(datagrams, "close");
      datagrams.close();
      await Promise.all([closed, server[Symbol.asyncDispose]()]);
    },
  };
}

interface Bound {
  readonly port: number;
  readonly datagrams: DatagramSocket;
}

/** The same port for both: 0 picks one that both are free on. */
async function bindBoth(server: Server, address: Address): Promise<Bound> {
  for (let attempt = 1; ; attempt += 1) {
    const port = await listen(server, address);
    const datagrams = createSocket(address.host.includes(":") ? "udp6" : "udp4");
    try {
      datagrams.bind(port, address.host);
      await once(datagrams, "listening");
      return { port, datagrams };
    } catch (cause) {
      datagrams.close();
      await server[Symbol.asyncDispose]();
      if (address.port === 0 && attempt < PORT_TRIES) continue;
      const { host, variable } = address;
      throw new Error(
        `Cannot listen on ${host} port ${port} for datagrams: ${(cause as Error).message}; ` +
          `set ${variable} to another one, or to 0 for any free one`,
        { cause },
      );
    }
  }
}

function answerDatagram(
  message: Buffer,
  { address, port }: RemoteInfo,
  { rate, authority }: { readonly rate: DatagramRate; readonly authority: () => Authority },
): Buffer | undefined {
  // Port 0 is nobody's.
  if (message.length > QUERY_BYTES_MAX || port === 0) return undefined;
  const due = rate.take(address);
  switch (due) {
    case "answer":
      return answer(message, authority(), "udp");
    case "truncated":
      return refuseDatagram(message);
    case "nothing":
      return undefined;
    default:
      return unreachable(due);
  }
}

/** RFC 7766 §6.2.1: several queries may come on a connection; each is answered as it comes. */
function serveConnection(socket: Socket, authority: () => Authority): void {
  const reader = new MessageReader(QUERY_BYTES_MAX);
  socket.setTimeout(IDLE_TIMEOUT_MS, () => socket.destroy());
  const end = setTimeout(() => socket.destroy(), CONNECTION_TIME_MS);
  socket.on("close", () => clearTimeout(end));
  socket.on("error", ignore);
  socket.on("data", (chunk: Buffer) => {
    const messages = reader.read(chunk);
    if (messages.length > PIPELINED_MAX) {
      socket.destroy();
      return;
    }
    for (const message of messages) {
      const reply = answer(message, authority(), "tcp");
      if (reply === undefined) {
        socket.destroy();
        return;
      }
      const length = Buffer.alloc(2);
      length.writeUInt16BE(reply.length);
      // Who asks and does not read is not asked for more.
      if (!socket.write(Buffer.concat([length, reply]))) socket.pause();
    }
    if (reader.isOverfull) socket.destroy();
  });
  socket.on("drain", () => socket.resume());
}

function ignore(): void {
  // A peer that is gone is gone.
}
