import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { DNSSEC_OK, decode, type OptAnswer, type Packet, RECURSION_DESIRED } from "dns-packet";
import * as fc from "fast-check";
import { answer, refuseDatagram } from "#acme/dns/answer.ts";
import { ask, authority, query, type Replied, replyTo, textsOf } from "./support.ts";

const NAME = "_acme-challenge.example.com";

function opt(more: Partial<OptAnswer> = {}): Packet {
  const common = { type: "OPT", name: ".", extendedRcode: 0, ednsVersion: 0, flags: 0 } as const;
  const record = { ...common, udpPayloadSize: 4_096, flag_do: false, options: [], ...more };
  return { additionals: [record] };
}

function optOf({ additionals = [] }: Replied): OptAnswer | undefined {
  return additionals.find((record): record is OptAnswer => record.type === "OPT");
}

function soaOf({ authorities = [] }: Replied): string | undefined {
  return authorities.find(({ type }) => type === "SOA")?.name;
}

describe("a TXT question", () => {
  test("has every value that stands at a challenge's name, delegated to us by NS", () => {
    const reply = ask(NAME);
    assert.equal(reply.rcode, "NOERROR");
    assert.deepEqual(textsOf(reply), ["first-value", "second-value"]);
    assert.deepEqual([reply.flag_aa, reply.flag_tc, reply.flag_ra], [true, false, false]);
    assert.deepEqual(reply.authorities, []);
    assert(reply.answers?.every((each) => "ttl" in each && each.ttl === 1));
  });

  test("has the same below the zone that CNAMEs point to", () => {
    assert.deepEqual(textsOf(ask("example.com.acme.example.net")), ["first-value", "second-value"]);
  });

  test("comes back in the case that it had, and so does each record's name", () => {
    const mixed = "_ACME-chaLLenge.eXample.COM";
    const reply = ask(mixed);
    assert.equal(reply.questions?.[0]?.name, mixed);
    assert.deepEqual(new Set(reply.answers?.map(({ name }) => name)), new Set([mixed]));
    assert.equal(ask("exAMPle.com.ACME.example.net").answers?.length, 2);
  });

  test("is answered with its id and RD, and recursion is never offered", () => {
    const reply = replyTo(query({ name: NAME, type: "TXT" }, { flags: RECURSION_DESIRED }));
    assert.deepEqual([reply.id, reply.flag_rd, reply.flag_ra], [4711, true, false]);
    assert.equal(ask(NAME).flag_rd, false);
  });
});

describe("what is not there", () => {
  const rows: readonly (readonly [string, Parameters<typeof ask>[1], string, string])[] = [
    // RFC 2308 §2: the name is there, and has no such record.
    [NAME, "A", "NOERROR", NAME],
    [NAME, "CAA", "NOERROR", NAME],
    ["_acme-challenge.nobody.test", "TXT", "NOERROR", "_acme-challenge.nobody.test"],
    ["example.com.acme.example.net", "AAAA", "NOERROR", "acme.example.net"],
    ["acme.example.net", "TXT", "NOERROR", "acme.example.net"],
    ["example.com.acme.example.net", "NS", "NOERROR", "acme.example.net"],
    // RFC 8020: nothing stands there, and something stands below it.
    ["example.org.acme.example.net", "TXT", "NOERROR", "acme.example.net"],
    ["org.acme.example.net", "NS", "NOERROR", "acme.example.net"],
    // There is no such name.
    ["nobody.test.acme.example.net", "TXT", "NXDOMAIN", "acme.example.net"],
    ["x.deep.down.example.org.acme.example.net", "TXT", "NXDOMAIN", "acme.example.net"],
    [`x.${NAME}`, "TXT", "NXDOMAIN", NAME],
    [`x.${NAME}`, "SOA", "NXDOMAIN", NAME],
  ];
  for (const [name, type, rcode, apex] of rows) {
    test(`${type} of ${name} is ${rcode}, with the SOA of ${apex}`, () => {
      const reply = ask(name, type);
      assert.equal(reply.rcode, rcode);
      assert.deepEqual(reply.answers, []);
      assert.equal(soaOf(reply), apex);
      assert.equal(reply.flag_aa, true);
    });
  }
});

describe("a zone of ours", () => {
  test("has its SOA and NS at its apex", () => {
    for (const apex of ["acme.example.net", NAME]) {
      const [soa] = ask(apex, "SOA").answers ?? [];
      assert.equal(soa?.type, "SOA");
      assert(soa?.type === "SOA");
      assert.equal(soa.data.mname, "api.example.net");
      assert.deepEqual([soa.data.serial, soa.data.minimum], [7, 1]);
      const [ns] = ask(apex, "NS").answers ?? [];
      assert(ns?.type === "NS");
      assert.equal(ns.data, "api.example.net");
    }
  });

  test("RFC 8482: answers ANY with little", () => {
    const reply = replyTo(anyQuestion(NAME));
    assert.deepEqual(
      reply.answers?.map(({ type }) => type),
      ["HINFO"],
    );
  });

  test("is none without a name for it: then CNAMEs' targets are refused", () => {
    const message = query({ name: "example.com.acme.example.net", type: "TXT" });
    const reply = answer(message, { ...authority, zone: undefined }, "udp");
    assert.equal((decode(reply ?? Buffer.alloc(0)) as Replied).rcode, "REFUSED");
  });
});

/** The codec has no way to ask for it. */
function anyQuestion(name: string): Buffer {
  const message = query({ name, type: "TXT" });
  message.writeUInt16BE(255, message.length - 4);
  return message;
}

describe("everything else is refused", () => {
  const others = ["example.com", "net", "example.net", "_acme-challenge", "acme.example.net.test"];
  for (const name of others) {
    test(`${name} is nothing of ours`, () => {
      const reply = ask(name);
      assert.deepEqual([reply.rcode, reply.flag_aa, soaOf(reply)], ["REFUSED", false, undefined]);
      assert.equal(reply.questions?.[0]?.name, name);
    });
  }

  test("the root is nothing of ours", () => {
    assert.equal(ask(".").rcode, "REFUSED");
  });

  test("transfers are", () => {
    for (const type of ["AXFR", "IXFR"] as const) assert.equal(ask(NAME, type).rcode, "REFUSED");
  });

  test("other classes are", () => {
    const message = query({ name: NAME, type: "TXT", class: "CH" });
    assert.equal(replyTo(message).rcode, "REFUSED");
  });

  test("other opcodes are not implemented", () => {
    for (let opcode = 1; opcode < 16; opcode += 1) {
      const reply = replyTo(query({ name: NAME, type: "TXT" }, { flags: opcode << 11 }));
      assert.deepEqual([reply.rcode, reply.questions?.length, reply.id], ["NOTIMP", 0, 4711]);
    }
  });
});

describe("a message that is malformed", () => {
  const whole = query({ name: NAME, type: "TXT" });
  const compressed = Buffer.concat([whole.subarray(0, 12), Buffer.from([0xc0, 0, 0, 16, 0, 1])]);
  const counted = Buffer.from(whole);
  counted.writeUInt16BE(2, 4);
  const second = { type: "OPT", name: "." } as const;
  const faults: readonly (readonly [string, Buffer])[] = [
    ["one that ends within its question", whole.subarray(0, 20)],
    ["one with octets after its end", Buffer.concat([whole, Buffer.alloc(1)])],
    ["RFC 9619: one with two questions", counted],
    ["RFC 9619: one without a question", Buffer.concat([whole.subarray(0, 4), Buffer.alloc(8)])],
    ["a name that points before itself", compressed],
    [
      "RFC 6891 §6.1.1: two OPT records",
      query(
        { name: NAME, type: "TXT" },
        {
          additionals: [
            {
              ...second,
              udpPayloadSize: 512,
              extendedRcode: 0,
              ednsVersion: 0,
              flags: 0,
              flag_do: false,
              options: [],
            },
            {
              ...second,
              udpPayloadSize: 512,
              extendedRcode: 0,
              ednsVersion: 0,
              flags: 0,
              flag_do: false,
              options: [],
            },
          ],
        },
      ),
    ],
  ];
  for (const [what, message] of faults) {
    test(`is a FORMERR: ${what}`, () => {
      const reply = replyTo(message);
      assert.deepEqual([reply.rcode, reply.questions?.length, reply.id], ["FORMERR", 0, 4711]);
    });
  }

  test("has no answer if it is no query, or has no header", () => {
    const response = Buffer.from(whole);
    response[2] = 0x80;
    assert.equal(answer(response, authority, "udp"), undefined);
    assert.equal(answer(whole.subarray(0, 11), authority, "udp"), undefined);
  });
});

describe("EDNS", () => {
  test("is answered by who is asked with it, and by nobody else", () => {
    assert.equal(optOf(ask(NAME)), undefined);
    const reply = ask(NAME, "TXT", opt({ flags: DNSSEC_OK }));
    assert.deepEqual([optOf(reply)?.udpPayloadSize, optOf(reply)?.flag_do], [1_232, true]);
    assert.equal(optOf(ask(NAME, "TXT", opt()))?.flag_do, false);
    assert.equal(textsOf(reply).length, 2);
  });

  test("RFC 6891 §6.1.3: has version 0 alone", () => {
    const reply = ask(NAME, "TXT", opt({ ednsVersion: 1 }));
    assert.deepEqual([reply.rcode, optOf(reply)?.extendedRcode], ["NOERROR", 1]);
    assert.deepEqual(reply.answers, []);
  });
});

describe("an answer that is too long for a datagram", () => {
  const name = "_acme-challenge.many.example.com";
  const longest = (size: number) => query({ name, type: "TXT" }, opt({ udpPayloadSize: size }));

  test("is truncated to nothing, and whole over TCP", () => {
    const reply = ask(name);
    assert.deepEqual([reply.flag_tc, reply.flag_aa, reply.answers], [true, true, []]);
    const whole = replyTo(query({ name, type: "TXT" }), "tcp");
    assert.deepEqual([whole.flag_tc, textsOf(whole).length], [false, 20]);
  });

  test("may have what the query announces, and never more than 1,232 octets", () => {
    assert.equal(replyTo(longest(65_535)).flag_tc, true);
    assert.equal(textsOf(replyTo(longest(65_535), "tcp")).length, 20);
    const two = query({ name: NAME, type: "TXT" }, opt({ udpPayloadSize: 0 }));
    assert.equal(replyTo(two).flag_tc, false, "RFC 6891 §6.2.3: 512 at least");
  });

  test("is as long as its question where a datagram is refused", () => {
    for (const message of [query({ name, type: "TXT" }), longest(4_096)]) {
      const refused = refuseDatagram(message);
      assert.equal(refused?.length, message.length);
      assert.equal(decode(refused ?? message).flag_tc, true);
    }
  });
});

describe("whatever the octets are", () => {
  const whole = query({ name: NAME, type: "TXT" }, opt());
  const changed = fc
    .array(fc.tuple(fc.nat(whole.length - 1), fc.nat(255)), { maxLength: 4 })
    .map((changes) => {
      const copy = Buffer.from(whole);
      for (const [at, octet] of changes) copy[at] = octet;
      return copy;
    });
  const cut = fc.nat(whole.length).map((length) => whole.subarray(0, length));
  const anything = fc.uint8Array({ maxLength: 300 }).map((bytes) => Buffer.from(bytes));
  const messages = fc.oneof(changed, cut, anything);

  test("nothing throws, and what is said is an answer with the same id that fits", () => {
    fc.assert(
      fc.property(messages, (message) => {
        const reply = answer(message, authority, "udp");
        if (reply === undefined) return;
        assert(reply.length <= 1_232);
        assert.equal(reply.readUInt16BE(0), message.readUInt16BE(0));
        const decoded = decode(reply);
        assert.deepEqual([decoded.flag_qr, decoded.flag_ra], [true, false]);
      }),
      { numRuns: 5_000 },
    );
  });

  test("a datagram is never answered with more than twelve times its length", () => {
    fc.assert(
      fc.property(messages, (message) => {
        const reply = answer(message, authority, "udp");
        if (reply === undefined) return;
        assert(reply.length <= 12 * message.length, `${reply.length} for ${message.length}`);
      }),
      { numRuns: 2_000 },
    );
  });
});
