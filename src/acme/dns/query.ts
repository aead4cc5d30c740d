import { decode, type OptAnswer } from "dns-packet";

/** A message that came in, as far as it decides about the answer. */
export type ParsedQuery =
  /** No question, or an answer: who answers those answers forever. */
  | { readonly kind: "nothing" }
  | { readonly kind: "faulty"; readonly rcode: "FORMERR" | "NOTIMP"; readonly head: QueryHead }
  | {
      readonly kind: "query";
      readonly head: QueryHead;
      readonly question: Question;
      readonly edns: Edns | undefined;
    };

/** What an answer repeats of a query's header (RFC 1035 §4.1.1). */
export interface QueryHead {
  readonly id: number;
  readonly opcode: number;
  /** RD. */
  readonly wantsRecursion: boolean;
}

export interface Question {
  /** The octets of the question section: an answer has them again as they are, in the same case. */
  readonly octets: Buffer;
  /** One character per octet, as they came. */
  readonly labels: readonly string[];
  readonly type: number;
  readonly class: number;
}

/** RFC 6891 §6.1. */
export interface Edns {
  readonly version: number;
  /** Of a datagram that the other side takes. */
  readonly payloadBytes: number;
  /** DO: an answer has it as the query had it (RFC 3225 §3). */
  readonly wantsDnssec: boolean;
}

/** No question is longer, with every option that resolvers are known to send. */
export const QUERY_BYTES_MAX = 1_232;

const HEADER_BYTES = 12;
/** RFC 1035 §2.3.4: with its lengths and the root's. */
const NAME_BYTES_MAX = 255;
const LABEL_BYTES_MAX = 63;
const TYPE_AND_CLASS_BYTES = 4;

/** Reads a message. It never throws, and reads nothing beyond its input. */
export function parseQuery(message: Buffer): ParsedQuery {
  if (message.length < HEADER_BYTES) return { kind: "nothing" };
  const flags = message.readUInt16BE(2);
  if ((flags & 0x8000) !== 0) return { kind: "nothing" };
  const head: QueryHead = {
    id: message.readUInt16BE(0),
    opcode: (flags >> 11) & 0xf,
    wantsRecursion: (flags & 0x0100) !== 0,
  };
  if (head.opcode !== 0) return { kind: "faulty", rcode: "NOTIMP", head };
  const question = questionOf(message);
  const edns = question && ednsOf(message);
  if (question === undefined || edns === undefined) {
    return { kind: "faulty", rcode: "FORMERR", head };
  }
  return { kind: "query", head, question, edns: edns === "none" ? undefined : edns };
}

/** RFC 9619: there is one. Nothing stands before it that a compressed name could point at. */
function questionOf(message: Buffer): Question | undefined {
  if (message.readUInt16BE(4) !== 1) return undefined;
  const labels: string[] = [];
  let at = HEADER_BYTES;
  for (;;) {
    const length = message[at];
    if (length === undefined || length > LABEL_BYTES_MAX) return undefined;
    at += 1;
    if (length === 0) break;
    labels.push(message.toString("latin1", at, at + length));
    at += length;
    if (at - HEADER_BYTES >= NAME_BYTES_MAX) return undefined;
  }
  const end = at + TYPE_AND_CLASS_BYTES;
  if (end > message.length) return undefined;
  const octets = message.subarray(HEADER_BYTES, end);
  return { octets, labels, type: message.readUInt16BE(at), class: message.readUInt16BE(at + 2) };
}

/** RFC 6891 §6.1.1: the OPT record that a query has, at most one. `undefined`: it is malformed. */
function ednsOf(message: Buffer): Edns | "none" | undefined {
  try {
    const { additionals = [] } = decode(message);
    if (decode.bytes !== message.length) return undefined;
    const records = additionals.filter((record): record is OptAnswer => record.type === "OPT");
    const [opt] = records;
    if (opt === undefined) return "none";
    if (records.length > 1 || opt.name !== ".") return undefined;
    const { ednsVersion: version, udpPayloadSize: payloadBytes, flag_do: wantsDnssec } = opt;
    return { version, payloadBytes, wantsDnssec };
  } catch {
    return undefined;
  }
}
