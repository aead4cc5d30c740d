import assert from "node:assert/strict";
import { type DecodedPacket, decode, encode, type Packet, type Question } from "dns-packet";
import { answer, type Transport } from "#acme/dns/answer.ts";
import type { Authority } from "#acme/dns/authority.ts";

const VALUES: Readonly<Record<string, readonly string[]>> = {
  "example.com": ["first-value", "second-value"],
  "deep.down.example.org": ["third-value"],
  "many.example.com": Array.from({ length: 20 }, (_, index) => `${index}`.padStart(43, "v")),
};

export const authority: Authority = {
  zone: "acme.example.net",
  nameServer: "api.example.net",
  serial: 7,
  valuesOf: (name) => VALUES[name] ?? [],
  hasBelow: (name) => Object.keys(VALUES).some((each) => each.endsWith(`.${name}`)),
};

/** A reply as its reader has it; the codec's types do not know the result code. */
export interface Replied extends DecodedPacket {
  readonly rcode: string;
}

export function query(question: Question, more: Packet = {}): Buffer {
  return encode({ type: "query", id: 4711, questions: [question], ...more });
}

export function replyTo(message: Buffer, transport: Transport = "udp"): Replied {
  const reply = answer(message, authority, transport);
  assert(reply !== undefined, "there is no answer");
  return decode(reply) as Replied;
}

export function ask(name: string, type: Question["type"] = "TXT", more: Packet = {}): Replied {
  return replyTo(query({ name, type }, more));
}

/** The values of TXT records. */
export function textsOf({ answers = [] }: Replied): string[] {
  return answers.flatMap((each) => (each.type === "TXT" ? [String(each.data)] : []));
}
