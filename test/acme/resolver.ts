import { createSocket } from "node:dgram";
import { once } from "node:events";
import { type AddressInfo, connect, createServer } from "node:net";
import { decode, encode, type Packet, streamDecode, streamEncode } from "dns-packet";

/** What stands at `_acme-challenge.NAME`: NS of Atoll's, or a CNAME into a zone of Atoll's. */
export type Delegation = "ns" | { readonly cname: string } | undefined;

/** A recursive resolver of a small world, in which every name leads to this machine. */
export interface Resolver extends AsyncDisposable {
  /** `address:port`, by UDP and by TCP. */
  readonly address: string;
}

const TTL_SECONDS = 1;
const RECURSIVE = 0x8180;
const NXDOMAIN = 3;
const CHALLENGE = "_acme-challenge.";
const HOST = "127.0.0.1";

/** @param port Atoll's DNS responder, which is asked by TCP */
export async function startResolver(
  port: number,
  delegationOf: (name: string) => Delegation,
): Promise<Resolver> {
  const answer = async (query: Packet): Promise<Packet> => {
    const { questions = [], ...head } = query;
    const [question] = questions;
    const reply: Packet = { ...head, type: "response", flags: RECURSIVE, questions };
    if (question === undefined) return reply;
    const name = question.name.toLowerCase();
    if (!name.startsWith(CHALLENGE)) {
      const here = { type: "A", name: question.name, ttl: TTL_SECONDS, data: HOST } as const;
      return { ...reply, answers: question.type === "A" ? [here] : [] };
    }
    const delegation = delegationOf(name.slice(CHALLENGE.length));
    if (delegation === undefined) return { ...reply, flags: RECURSIVE | NXDOMAIN };
    if (delegation === "ns") return { ...reply, answers: await recordsOf(port, question) };
    const { cname } = delegation;
    const alias = { type: "CNAME", name: question.name, ttl: TTL_SECONDS, data: cname } as const;
    if (question.type === "CNAME") return { ...reply, answers: [alias] };
    return { ...reply, answers: [alias, ...(await recordsOf(port, { ...question, name: cname }))] };
  };
  const udp = createSocket("udp4", (message, { port: from, address }) => {
    void answer(decode(message)).then((reply) => udp.send(encode(reply), from, address));
  });
  const tcp = createServer((socket) => {
    let read = Buffer.alloc(0);
    socket.on("error", () => undefined);
    socket.on("data", (chunk: Buffer) => {
      read = Buffer.concat([read, chunk]);
      if (read.length < 2 || read.length < 2 + read.readUInt16BE(0)) return;
      const query = streamDecode(read);
      read = Buffer.alloc(0);
      void answer(query).then((reply) => socket.end(streamEncode(reply)));
    });
  });
  tcp.listen(0, HOST);
  await once(tcp, "listening");
  const own = (tcp.address() as AddressInfo).port;
  udp.bind(own, HOST);
  await once(udp, "listening");
  return {
    address: `${HOST}:${own}`,
    [Symbol.asyncDispose]: async () => {
      udp.close();
      tcp.close();
      await once(tcp, "close");
    },
  };
}

type Question = NonNullable<Packet["questions"]>[number];

/** What Atoll has there; nothing where it does not answer. */
async function recordsOf(port: number, question: Question) {
  const socket = connect(port, HOST);
  try {
    socket.write(streamEncode({ type: "query", id: 1, questions: [question] }));
    const chunks: Buffer[] = [];
    for await (const chunk of socket) {
      chunks.push(chunk as Buffer);
      const read = Buffer.concat(chunks);
      if (read.length >= 2 && read.length >= 2 + read.readUInt16BE(0)) {
        return streamDecode(read).answers ?? [];
      }
    }
  } catch {
    return []; // It is being killed.
  } finally {
    socket.destroy();
  }
  return [];
}
