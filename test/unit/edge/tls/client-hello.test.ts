import assert from "node:assert/strict";
import { describe, test } from "node:test";
import * as fc from "fast-check";
import { parseClientHello } from "#edge/wire/tls/client-hello.ts";
import { helloOf } from "./support.ts";

const named = await helloOf({ servername: "Static.Example.com", ALPNProtocols: ["h2"] });
const nameless = await helloOf({ servername: "", maxVersion: "TLSv1.2" });
const hello = { kind: "hello", serverName: "static.example.com", isValidation: false } as const;
const nobody = { kind: "hello", serverName: undefined, isValidation: false } as const;

/** The same message in records of this size (RFC 8446 §5.1). */
function fragmented(record: Buffer, size: number): Buffer {
  const message = record.subarray(5);
  const parts: Buffer[] = [];
  for (let at = 0; at < message.length; at += size) {
    const part = message.subarray(at, at + size);
    parts.push(Buffer.from([22, 3, 1, part.length >> 8, part.length & 0xff]), part);
  }
  return Buffer.concat(parts);
}

/** A ClientHello with nothing in it but this server_name extension. */
function withExtension(content: Buffer): Buffer {
  const extension = Buffer.concat([
    Buffer.from([0, 0, content.length >> 8, content.length]),
    content,
  ]);
  const body = Buffer.concat([
    Buffer.from([3, 3]),
    Buffer.alloc(32),
    Buffer.from([0, 0, 2, 0x13, 1, 1, 0]),
    Buffer.from([extension.length >> 8, extension.length]),
    extension,
  ]);
  const message = Buffer.concat([Buffer.from([1, 0, body.length >> 8, body.length]), body]);
  return Buffer.concat([Buffer.from([22, 3, 1, message.length >> 8, message.length]), message]);
}

function serverNames(type: number, name: string, surplus = 0): Buffer {
  const { length } = name;
  const list = Buffer.concat([Buffer.from([type, 0, length]), Buffer.from(name, "latin1")]);
  return Buffer.concat([Buffer.from([0, list.length]), list, Buffer.alloc(surplus)]);
}

describe("the ClientHello's parser", () => {
  test("finds the name in lower case, and that there is none", () => {
    assert.deepEqual(parseClientHello(named), hello);
    assert.deepEqual(parseClientHello(nameless), nobody);
  });

  test("RFC 8446 §5.1: finds it in a message that is spread over records", () => {
    for (const size of [1, 3, 4, 5, 100, 511]) {
      assert.deepEqual(parseClientHello(fragmented(named, size)), hello, `records of ${size}`);
    }
  });

  test("RFC 5246 §7.4.1.2: takes a hello without extensions", () => {
    const body = [3, 3, ...Buffer.alloc(32), 0, 0, 2, 0, 0x2f, 1, 0];
    const old = Buffer.from([22, 3, 1, 0, body.length + 4, 1, 0, 0, body.length, ...body]);
    assert.deepEqual(parseClientHello(old), nobody);
  });

  test("takes a name with a trailing dot for the same name", () => {
    const dotted = withExtension(serverNames(0, "example.com."));
    assert.deepEqual(parseClientHello(dotted), { ...hello, serverName: "example.com" });
  });

  test("RFC 8737 §3: knows a CA by acme-tls/1, if that is all that is offered", async () => {
    for (const [ALPNProtocols, isValidation] of [
      [["acme-tls/1"], true],
      [["acme-tls/1", "h2"], false],
      [["h2", "acme-tls/1"], false],
      [["acme-tls/10"], false],
      [["ACME-TLS/1"], false],
      [["acme-tls/1", "acme-tls/1"], false],
    ] as const) {
      const said = await helloOf({
        servername: "static.example.com",
        ALPNProtocols: [...ALPNProtocols],
      });
      assert.deepEqual(parseClientHello(said), { ...hello, isValidation }, ALPNProtocols.join());
    }
  });

  const faults: readonly (readonly [string, Buffer])[] = [
    ["RFC 6066 §3: a name of another type", withExtension(serverNames(1, "example.com"))],
    ["RFC 6066 §3: an empty name", withExtension(serverNames(0, ""))],
    ["RFC 6066 §3: octets after the list", withExtension(serverNames(0, "example.com", 1))],
    ["RFC 6066 §3: an empty extension", withExtension(Buffer.alloc(0))],
    ["RFC 8446 §5.1: an empty record", Buffer.from([22, 3, 1, 0, 0])],
    ["RFC 8446 §5.1: a record above 2^14", Buffer.from([22, 3, 1, 0x40, 1])],
    ["RFC 8446 §4: another message", Buffer.from([22, 3, 1, 0, 4, 2, 0, 0, 0])],
    ["a hello that is too long", Buffer.from([22, 3, 1, 0, 4, 1, 1, 0, 0])],
    ["a record of data", Buffer.from([23, 3, 3, 0, 1])],
    ["SSL 2", Buffer.from([0x80, 0x2e, 1, 0, 2])],
    ["HTTP", Buffer.from("GET / HTTP/1.1\r\n\r\n")],
  ];
  for (const [what, input] of faults) {
    test(`${what} is malformed`, () => {
      assert.deepEqual(parseClientHello(input), { kind: "malformed" });
    });
  }

  test("comes to one result wherever it was cut, and to none before the end", () => {
    for (const whole of [named, nameless, fragmented(named, 7)]) {
      for (let cut = 0; cut < whole.length; cut += 1) {
        assert.deepEqual(parseClientHello(whole.subarray(0, cut)), { kind: "incomplete" });
      }
    }
  });

  test("never throws, and never takes back what it has said", () => {
    const changed = fc.tuple(fc.nat(named.length - 1), fc.nat(255)).map(([at, octet]) => {
      const copy = Buffer.from(named);
      copy[at] = octet;
      return copy;
    });
    const anything = fc.uint8Array({ maxLength: 200 }).map((bytes) => Buffer.from(bytes));
    fc.assert(
      fc.property(fc.oneof(changed, anything), fc.nat(600), (input, cut) => {
        const early = parseClientHello(input.subarray(0, cut));
        const whole = parseClientHello(input);
        if (early.kind !== "incomplete") assert.deepEqual(whole, early);
      }),
      { numRuns: 2_000 },
    );
  });

  test("reads nothing beyond the message", () => {
    const more = Buffer.concat([named, Buffer.from("whatever follows")]);
    assert.deepEqual(parseClientHello(more), hello);
  });
});
