import {
  type Answer,
  AUTHORITATIVE_ANSWER,
  DNSSEC_OK,
  encode,
  RECURSION_DESIRED,
  TRUNCATED_RESPONSE,
} from "dns-packet";
import { type Authority, say } from "./authority.ts";
import { type Edns, parseQuery, type QueryHead } from "./query.ts";

/** By what a query came: a datagram is answered by one, of which there may be limits. */
export type Transport = "udp" | "tcp";

/** RFC 1035 §4.1.1, RFC 6895 §2.3. */
const RCODES = { NOERROR: 0, FORMERR: 1, NXDOMAIN: 3, NOTIMP: 4, REFUSED: 5 } as const;
/** RFC 6891 §9: 16, of which the upper bits are in the OPT record. */
const BADVERS_UPPER = 1;

/** RFC 1035 §2.3.4: what a datagram may have where nothing else was said. */
const UDP_BYTES = 512;
/** What passes everywhere without being fragmented (DNS flag day 2020). */
const UDP_BYTES_MAX = 1_232;

const HEADER_BYTES = 12;
const OPCODE_SHIFT = 11;

/** What is to be written, but for the question. */
interface Written {
  readonly rcode: number;
  readonly extendedRcode?: number;
  readonly isAuthoritative?: boolean;
  readonly isTruncated?: boolean;
  readonly answers?: readonly Answer[];
  readonly authorities?: readonly Answer[];
}

/** What is written again of the query. */
interface Asked {
  readonly head: QueryHead;
  readonly question: Buffer | undefined;
  readonly edns: Edns | undefined;
}

/**
 * The answer to a message, or undefined where none is due. Whatever the octets are it does not throw,
 * and what it says is never more than fits; RA is never set.
 */
export function answer(
  message: Buffer,
  authority: Authority,
  transport: Transport,
): Buffer | undefined {
  const query = parseQuery(message);
  if (query.kind === "nothing") return undefined;
  const { head } = query;
  if (query.kind === "faulty") {
    return write({ head, question: undefined, edns: undefined }, { rcode: RCODES[query.rcode] });
  }
  const { question, edns } = query;
  const asked: Asked = { head, question: question.octets, edns };
  if (edns !== undefined && edns.version !== 0) {
    return write(asked, { rcode: RCODES.NOERROR, extendedRcode: BADVERS_UPPER });
  }
  const said = say(question, authority);
  const whole = write(asked, { ...said, rcode: RCODES[said.rcode] });
  if (transport === "tcp" || whole.length <= datagramBytes(edns)) return whole;
  return truncated(asked, said.isAuthoritative);
}

/** Asks whoever it is to come again over TCP, which is harder to do in another's name. */
export function refuseDatagram(message: Buffer): Buffer | undefined {
  const query = parseQuery(message);
  if (query.kind !== "query") return undefined;
  const { head, question, edns } = query;
  return truncated({ head, question: question.octets, edns }, false);
}

function truncated(asked: Asked, isAuthoritative: boolean): Buffer {
  return write(asked, { rcode: RCODES.NOERROR, isAuthoritative, isTruncated: true });
}

/** RFC 6891 §6.2.3: values below 512 are taken for it. */
function datagramBytes(edns: Edns | undefined): number {
  if (edns === undefined) return UDP_BYTES;
  return Math.min(Math.max(edns.payloadBytes, UDP_BYTES), UDP_BYTES_MAX);
}

function write({ head, question, edns }: Asked, written: Written): Buffer {
  const flags =
    (head.opcode << OPCODE_SHIFT) |
    (head.wantsRecursion ? RECURSION_DESIRED : 0) |
    (written.isAuthoritative === true ? AUTHORITATIVE_ANSWER : 0) |
    (written.isTruncated === true ? TRUNCATED_RESPONSE : 0) |
    written.rcode;
  const message = encode({
    type: "response",
    id: head.id,
    flags,
    answers: [...(written.answers ?? [])],
    authorities: [...(written.authorities ?? [])],
    additionals: edns === undefined ? [] : [optRecord(edns, written.extendedRcode ?? 0)],
  });
  if (question === undefined) return message;
  // The codec would write the name anew; nothing in what follows refers to a place.
  message.writeUInt16BE(1, 4);
  return Buffer.concat([
    message.subarray(0, HEADER_BYTES),
    question,
    message.subarray(HEADER_BYTES),
  ]);
}

/** RFC 6891 §6.1.1: who sends one gets one. */
function optRecord({ wantsDnssec }: Edns, extendedRcode: number): Answer {
  return {
    type: "OPT",
    name: ".",
    udpPayloadSize: UDP_BYTES_MAX,
    extendedRcode,
    ednsVersion: 0,
    flags: wantsDnssec ? DNSSEC_OK : 0,
    flag_do: wantsDnssec,
    options: [],
  };
}
